"""The always-on worker: receives sessions, stores and labels them, answers, tells what changed."""
