"""Notices to users: how they read, how they are mailed, which ones a user wants."""
