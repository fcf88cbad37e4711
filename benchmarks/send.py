"""Sending: the limit, the peers and Mailrun, one after the other, round after round."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks import contenders, dataset, peers, pipeline, profiled_worker
from benchmarks.base import Base, imported
from benchmarks.contenders import Row, Told
from benchmarks.options import Options
from benchmarks.sink import HOW, Sink, sink
from benchmarks.table import Report, Target
from webapp.store.mailservers import CONNECTIONS

PLAIN, FLASK_MAIL, POST_OFFICE = (
    "B-plain: smtplib, bytes made before",
    "Flask-Mail's loop",
    "django-post_office",
)


def measure(options: Options, report: Report) -> None:
    """Measures all contenders in turns, and reports."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mailrun-bench-")))
        print(f"sending: preparing {options.messages:,} messages")
        dataset.write(folder / "work", options.messages)
        bases = imported(options.databases, folder, folder / "work", stack)
        taker = stack.enter_context(sink())
        if not taker.is_postfix:
            print(HOW)
        profiles = folder / "profiles" if options.profile else None
        if profiles:
            profiles.mkdir()
        rows = _rows(options, folder / "work", bases, taker, profiles)
        for number in range(options.rounds):
            for row in _in_turn(rows):
                row.go()
                _tell(number, row)
        if profiles:
            profiled_worker.report(profiles)
    databases = ", ".join(base.words for base in bases.values() if base)
    _report(report, options, rows, taker, databases)


def _in_turn(rows: list[Row]) -> list[Row]:
    """In which order they are measured: those that are compared first of all stand beside each other. A
    machine that is shared with others is not as fast now as it was a minute ago."""
    default = f" {CONNECTIONS} connections"
    return sorted(rows, key=lambda row: _is_ours(row.name) and not row.name.endswith(default))


def _rows(
    options: Options, work: Path, bases: dict[str, Base | None], taker: Sink, profiles: Path | None
) -> list[Row]:
    few = max(300, options.messages // 5)
    rows = [Row(PLAIN, lambda: Told(peers.b_plain(taker.port, options.messages)))]
    if options.peers:
        python = peers.django_python()
        rows.append(Row("smtp-source (C), bytes made before", partial(_source, taker.port, options.messages)))
        rows.append(Row(FLASK_MAIL, lambda: Told(peers.flask_mail(taker.port, few, work))))
        rows.append(Row(POST_OFFICE, partial(_post_office, python, taker.port, few, work)))
    for kind, base in bases.items():
        for connections in options.connections:
            for workers in options.workers:
                name = mailrun(kind, workers, connections)
                rows.append(Row(name, partial(_pipeline, base, taker.port, workers, connections, profiles)))
    return rows


def mailrun(kind: str, workers: int, connections: int) -> str:
    """The name of a row of Mailrun."""
    return f"Mailrun, {kind}, {workers} worker{'s' * (workers > 1)}, {connections} connections"


def _source(port: int, messages: int) -> Told | None:
    timed = peers.smtp_source(port, messages)
    return Told(timed, "one session, no envelope per message to make") if timed else None


def _post_office(python: Path | None, port: int, messages: int, work: Path) -> Told | None:
    if python is None:
        return None
    done = peers.post_office(python, port, messages, work)
    return Told(done.sending, f"2 processes; with putting into its queue {done.rate_with_queueing:,.0f}/s")


def _pipeline(base: Base | None, port: int, workers: int, connections: int, to: Path | None) -> Told | None:
    if base is None:
        return None
    done = pipeline.measure(base, port, workers, connections, to)
    per_1000 = 1000 / done.timed.messages
    words = [f"renderers {done.renderers * per_1000:.2f} of it"]
    if done.server:
        words.append(f"PostgreSQL {done.server * per_1000:.2f} besides")
    words.append("{:.0f}, {:.0f}, {:.0f} MB a worker".format(*done.memory))
    words.append(f"the first {dataset.WARM_UP} of all, cold: {done.cold:.1f} s")
    return Told(done.timed, "; ".join(words), done.memory)


def _tell(number: int, row: Row) -> None:
    told, load = row.rounds[-1], os.getloadavg()[0]
    words = "not measured"
    if told:
        words = f"{told.timed.rate:7,.0f}/s  {told.timed.cpu_per_1000:5.2f} CPU s per 1,000  load {load:.1f}"
    print(f"  round {number + 1}  {row.name:44}  {words}", flush=True)


def _report(report: Report, options: Options, rows: list[Row], taker: Sink, databases: str) -> None:
    plain = rows[0]
    notes = [
        f"{options.messages:,} messages a round of Mailrun, {options.rounds} rounds of each row, in turns; "
        "median (smallest to largest). The ratio is the median of the ratios within a round. Workers, "
        "database and sink share the machine.",
        f"{databases}.",
        *([] if taker.is_postfix else [HOW]),
    ]
    if options.profile:
        notes.append("The workers ran under cProfile, which slows them down.")
    report.add("Sending", contenders.HEADER, [row.cells(plain) for row in rows], *notes)
    report.targets += _targets({row.name: row for row in rows}, options)


def _targets(rows: dict[str, Row], options: Options) -> list[Target]:
    """S1 and S2 with as many workers as the defaults start on two cores; S3 over all rows with this many
    connections, S4 over all."""
    found = [each for number in options.connections for each in _with_connections(number, rows, options)]
    memory = [each.memory for row in _ours(rows) for each in row.told if each.memory]
    most = max((each[1] for each in memory), default=None)
    held = None if most is None else most <= 100
    words = "" if most is None else f"{most:.0f} MB"
    what = f"memory of a worker, {options.messages:,} results, the worst row"
    return [*found, Target("S4", what, "≤ 100 MB", words, held)]


def _with_connections(number: int, rows: dict[str, Row], options: Options) -> list[Target]:
    best = min(2, max(options.workers))
    with_them = f"{best} workers, {number} connections{' (the default)' * (number == CONNECTIONS)}"
    sqlite = rows.get(mailrun("SQLite", best, number))
    postgres = rows.get(mailrun("PostgreSQL", best, number))
    return [
        _against("S1", f"pipeline on SQLite, {with_them}", sqlite, rows.get(PLAIN), 0.8),
        _against("S1", "the same", sqlite, rows.get(FLASK_MAIL), 4.0),
        _against("S1", "the same", sqlite, rows.get(POST_OFFICE), 2.5),
        _against("S2", f"pipeline on PostgreSQL and Redis, {with_them}", postgres, rows.get(PLAIN), 0.8),
        *_cpu_with_connections(number, rows),
    ]


def _cpu_with_connections(number: int, rows: dict[str, Row]) -> list[Target]:
    """The target in seconds, and as what it is of Flask-Mail's loop, which took 3.8 s where it was set: on a
    machine that is slower, or busier, only that says something."""
    worst = max(_ours(rows, f" {number} connections"), key=lambda row: row.cpu or 0.0, default=None)
    spent = f"CPU of workers and renderers per 1,000, the worst row with {number} connections"
    if worst is None or worst.cpu is None:
        return [Target("S3", spent, "≤ 1.0 s", "", None)]
    ratio = worst.cpu_ratio(rows[FLASK_MAIL]) if FLASK_MAIL in rows else None
    most = 1.0 / 3.8
    return [
        Target("S3", spent, "≤ 1.0 s", f"{worst.cpu:.2f} s", worst.cpu <= 1.0),
        Target(
            "S3",
            "the same, against Flask-Mail's loop",
            f"≤ {most:.2f} ×",
            f"{ratio:.2f} ×" if ratio else "",
            None if ratio is None else ratio <= most,
        ),
    ]


def _ours(rows: dict[str, Row], ending: str = "") -> list[Row]:
    return [row for name, row in rows.items() if _is_ours(name) and name.endswith(ending) and row.told]


def _is_ours(name: str) -> bool:
    return name.startswith("Mailrun, ")


def _against(name: str, what: str, ours: Row | None, other: Row | None, least: float) -> Target:
    ratio = ours.ratio(other) if ours and other else None
    target = f"≥ {least:g} × {other.name.partition(':')[0] if other else ''}"
    return Target(
        name, what, target, f"{ratio:.2f} ×" if ratio else "", None if ratio is None else ratio >= least
    )
