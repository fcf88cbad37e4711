"""Logs without personal data, one line an event: plain for a terminal, or JSON (MAILRUN_LOG=json).

A line has the time (UTC), the level, the logger, the event in constant words, and ids. What data say stays
out by construction: of our own records only the constant words and the ids are written; of a library's
only that it said something, and where; of an exception its types and the places in the code, never its
message, which may quote what a customer or a mail server wrote (PostgreSQL's DETAIL lines do)."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

OURS = ("webapp", "jobs", "mailrun")
IDS = "ids"
SAFE_TEXT = re.compile(r"[A-Za-z0-9_.:/<>+-]{0,120}")
"""What a text among the ids may be: a kind, a route, the name of a process. No blank and no @: neither a name
with a surname nor an address is one."""
FRAMES_MAX = 20
_ROOT = str(Path(__file__).parent.parent) + "/"
_UNHANDLED = logging.getLogger("mailrun.process")


def ids(**values: Any) -> dict[str, dict[str, Any]]:
    """What a record is about, for `extra=`: ids, counts, kinds. Of an exception its type goes in, and its
    number or SQLSTATE; of a text that may be more than a kind, nothing."""
    return {IDS: {name: _safe(value) for name, value in values.items()}}


def _safe(value: Any) -> Any:
    if isinstance(value, BaseException):
        return _kind(value)
    if isinstance(value, Mapping):
        return {str(name): _safe(each) for name, each in value.items()}
    if value is None or isinstance(value, bool | int | float):
        return value
    return value if SAFE_TEXT.fullmatch(str(value)) else "…"


def _kind(error: BaseException) -> str:
    """OperationalError:OSError:28 — the types of an error and of what it wraps, with what number it has."""
    names, seen = [], error
    while True:
        names.append(type(seen).__name__)
        code = getattr(seen, "sqlstate", None) or getattr(seen, "errno", None)
        names += [str(code)] if code else []
        inner = getattr(seen, "orig", None)
        if not isinstance(inner, BaseException) or inner is seen:
            return ":".join(names)
        seen = inner


class SafeFormatter(logging.Formatter):
    """Writes a record in one line; in plain, the places of an exception follow."""

    def __init__(self, style: str) -> None:
        super().__init__()
        self._is_json = style == "json"

    def format(self, record: logging.LogRecord) -> str:
        """The record, without anything that data say."""
        event, about = _event(record)
        places: list[str] = []
        if record.exc_info and record.exc_info[1] is not None:
            about = {**about, "error": _kind(record.exc_info[1])}
            places = _places(record.exc_info[2])
        at = datetime.fromtimestamp(record.created, UTC)
        if self._is_json:
            trace = {"trace": places} if places else {}
            return as_json(event, record.levelname, record.name, at, **about, **trace)
        told = "".join(f" {name}={value}" for name, value in about.items())
        return "\n    ".join([f"{record.levelname} {record.name}: {event}{told}", *places])


def as_json(event: str, level: str, logger: str, at: datetime | None = None, **about: Any) -> str:
    """An event as one line of JSON."""
    time = (at or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"time": time, "level": level, "logger": logger, "event": event, **about})


def _event(record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
    if record.name.partition(".")[0] in OURS and not record.args:
        return str(record.msg), getattr(record, IDS, {})
    return "library message", {"where": f"{record.filename}:{record.lineno}"}


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-FRAMES_MAX:]
    return [f"{_short(each.filename)}:{each.lineno} {each.name}" for each in frames]


def _short(path: str) -> str:
    return path.removeprefix(_ROOT).rpartition("site-packages/")[2]


def set_up(style: str, stream: TextIO | None = None) -> None:
    """Have this process write its log so: what it logs, and what ends it or one of its threads."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(SafeFormatter(style))
    root = logging.getLogger()
    for former in root.handlers[:]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    sys.excepthook = _process_ended
    threading.excepthook = _thread_ended


def _process_ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _UNHANDLED.critical("unhandled error", exc_info=(kind, error, trace))


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None and not isinstance(ended.exc_value, SystemExit):
        told = (ended.exc_type, ended.exc_value, ended.exc_traceback)
        _UNHANDLED.critical("unhandled error in a thread", exc_info=told)


def line_of_process(name: str, line: str) -> str:
    """What a process has printed, as JSON: its own events with its name; of any other line only that there
    was one, since it may be a library's and quote data."""
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if isinstance(event, dict) and {"time", "level", "logger", "event"} <= event.keys():
        return json.dumps({**event, "process": name})
    return as_json("output of a process", "INFO", "mailrun.supervisor", process=name, characters=len(line))


def notice(words: str) -> str:
    """Our own words to the person who starts Mailrun, as JSON."""
    return as_json("notice", "INFO", "mailrun", words=words)
