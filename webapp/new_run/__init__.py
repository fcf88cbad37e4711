"""The dialog, its preview, and the creation of a run with its results."""
