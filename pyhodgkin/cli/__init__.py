"""The `pyhodgkin` command."""
