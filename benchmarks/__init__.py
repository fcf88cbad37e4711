"""Mailrun measured against the limits of the machine and against what somebody would use instead."""
