"""Errors that a person reads."""

from __future__ import annotations


class Refused(Exception):
    """What was asked for cannot be done. The message says why, and the way out, in plain words."""


class NotFound(Refused):
    """There is no such thing, or this person may not see it; the message does not tell which."""


class NotAllowed(Refused):
    """This person may not do it. `subject` and `detail` are what the audit trail says of the attempt."""

    def __init__(self, message: str, subject: str, detail: str) -> None:
        super().__init__(message)
        self.subject = subject
        self.detail = detail


class TakenOutOfSight(NotAllowed):
    """A name is taken by something that this person may not see; the message does not tell that."""

    def __init__(self, message: str, subject: str) -> None:
        super().__init__(message, subject, "taken, in another cluster")


class SettingError(Exception):
    """A setting cannot be used; the message says which, why, and what it may be."""
