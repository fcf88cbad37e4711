"""Errors that a person reads."""

from __future__ import annotations


class Refused(Exception):
    """What was asked for cannot be done. The message says why, and the way out, in plain words."""


class NotFound(Refused):
    """There is no such thing, or this person may not see it; the message does not tell which."""


class SettingError(Exception):
    """A setting cannot be used; the message says which, why, and what it may be."""
