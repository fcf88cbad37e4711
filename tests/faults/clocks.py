"""Wall clocks that jump, in one process alone.

Without libfaketime (which not every machine has) a process is given a wall clock of its own in Python: its
`time.time` and the `now` that every row's time comes from are shifted by what stands in a file, read again at
each look. The monotonic clock runs on undisturbed, as it does when a machine's clock is set."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from pathlib import Path

HOUR, DAY = 3_600.0, 86_400.0


def shift_by_file(path: str) -> None:
    """From now on this process's wall clock is as many seconds off as the file says."""
    from webapp.store import types

    real: Callable[[], float] = time.time

    def shifted() -> float:
        return real() + float(Path(path).read_text() or 0)

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(shifted(), tz or UTC)

    time.time = shifted
    vars(types)["datetime"] = Shifted
