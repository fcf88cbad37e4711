"""Mailrun measured against the limits of the machine and against what you would use instead."""
