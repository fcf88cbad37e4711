"""Times that a person types: when a run starts by itself, and after when it sends nothing."""

from __future__ import annotations

from datetime import datetime

from wtforms import DateTimeLocalField, Form

from webapp import notation
from webapp.translation import N_

NO_TIME = N_("This is not a date with a time. Write it as 2026-12-02T07:00.")
ENTERED = "%Y-%m-%dT%H:%M"


class LocalTimeField(DateTimeLocalField):
    """A moment, typed in the time zone of the person who reads; its data are UTC, or None if it is empty."""

    data: datetime | None

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist or not valuelist[0].strip():
            self.data = None
            return
        try:
            super().process_formdata(valuelist)  # type: ignore[no-untyped-call]
        except ValueError:
            raise ValueError(NO_TIME) from None
        if self.data is not None:
            self.data = notation.instant(self.data)

    def _value(self) -> str:
        if self.raw_data:
            return " ".join(self.raw_data)
        return notation.local(self.data).strftime(ENTERED) if self.data else ""


class WindowForm(Form):
    """When a run sends."""

    start_at = LocalTimeField(N_("Start at"))
    send_until = LocalTimeField(N_("Do not send after"))
