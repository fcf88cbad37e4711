"""What ends the work on an upload before its end. Nothing is stored then."""

from __future__ import annotations


class ImportCancelled(Exception):
    """A person has cancelled it; the message is who."""


class ImportInterrupted(Exception):
    """The worker process ends. Another one begins again."""
