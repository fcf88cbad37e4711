"""What a check of `mailrun doctor` gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CheckResult:
    """One line of the doctor's: what was looked at, whether it is well, and what was seen. `warns`: it works,
    and a person should change it all the same."""

    about: str
    well: bool
    words: str
    warns: bool = False

    @property
    def look(self) -> str:
        """The word that the line begins with."""
        return "WRONG" if not self.well else "warn" if self.warns else "ok"
