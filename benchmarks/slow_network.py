"""A mail server far away: every reply comes 50 ms after its command. What counts is how many round trips a
message takes, and how many connections are under way at once."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks import dataset, pipeline
from benchmarks.base import imported
from benchmarks.options import Options
from benchmarks.sink import sink
from benchmarks.table import Report, Target

LATENCY_MS = 50.0
CONNECTIONS = 16
ROUND_TRIPS = 3
"""MAIL with both RCPT; DATA; the message. With one recipient the first two would be one."""

LIMIT = CONNECTIONS / (ROUND_TRIPS * LATENCY_MS / 1000)
"""Messages per second, if nothing but the network took time."""


def measure(options: Options, report: Report) -> None:
    """Sends a run over the slow network, with each number of workers on each database."""
    messages = 600 if options.quick else 2_000
    print(f"slow network: {messages:,} messages, {LATENCY_MS:g} ms away, {CONNECTIONS} connections")
    rows, worst = [], None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mailrun-bench-")))
        dataset.write(folder / "work", messages)
        bases = imported(options.databases, folder, folder / "work", stack)
        taker = stack.enter_context(sink(latency_ms=LATENCY_MS))
        for kind, base in bases.items():
            for workers in options.workers if base else ():
                assert base is not None
                timed = pipeline.measure(base, taker.port, workers, CONNECTIONS).timed
                share = timed.rate / LIMIT
                worst = share if worst is None else min(worst, share)
                name = f"Mailrun, {kind}, {workers} worker{'s' * (workers > 1)}"
                rows.append((name, f"{timed.rate:.0f}", f"{share:.2f}", f"{timed.cpu_per_1000:.2f}"))
                print(f"  {name:30}  {timed.rate:6.0f}/s  {share:.2f} of the limit", flush=True)
    header = ("", "messages/s", "÷ limit", "CPU s per 1,000")
    limit = f"{CONNECTIONS} ÷ ({ROUND_TRIPS} × {LATENCY_MS:g} ms) = {LIMIT:.0f}/s"
    report.add("Slow network", header, rows, f"{messages:,} messages with one Bcc. The limit: {limit}.")
    measured = "" if worst is None else f"{worst:.2f} × at worst"
    held = None if worst is None else worst >= 0.8
    what = f"server {LATENCY_MS:g} ms away, {CONNECTIONS} connections"
    report.targets.append(Target("S5", what, f"≥ 0.8 × {LIMIT:.0f}/s", measured, held))
