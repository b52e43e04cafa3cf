"""The `ev-pipeline` command: thin doors to the layers below; no logic of its own lives here."""
