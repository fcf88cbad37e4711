"""The list "To fix": what is open in all runs, by cause, each with its fix."""
