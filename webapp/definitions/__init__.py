"""Message definitions and their versions."""
