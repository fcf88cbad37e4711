"""The heart: selection, life of a run, delivery, recovery. Start with README.md."""
