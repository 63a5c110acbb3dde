"""The interactive shell; the only place that imports prompt_toolkit."""
