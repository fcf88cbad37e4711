"""Forms that could not be saved, for the page that shows them again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class RefusedForm:
    """What was typed into a form of the page that could not be saved, and why."""

    form: str = ""
    wrong: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    def value(self, form: str, name: str, stored: str) -> str:
        """What this field of this form shows: what was typed, else what is stored."""
        return self.values.get(name, stored) if form == self.form else stored


NOTHING_TYPED = RefusedForm()
