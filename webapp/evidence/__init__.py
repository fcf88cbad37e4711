"""Proof of what was sent: the archive of a run, and how long mails are kept."""
