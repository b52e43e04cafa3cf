"""Parts of `pipeline.py`: work in processes of its own, and a writer beside a promotion."""
