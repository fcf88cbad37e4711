"""Refusals that a person reads."""

from __future__ import annotations


class Refused(Exception):
    """What was asked for cannot be done; the message says why, and the way out, in plain words."""


class NotFound(Refused):
    """There is no such thing, or this person may not see it; which of the two is not told."""
