"""`mailrun bounces listen` while a block lasts."""

from __future__ import annotations

import os
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from tests.bounces.killed_readers import ROOT

START_SECONDS = 30


@contextmanager
def started(environ: Mapping[str, str], port: int) -> Iterator[subprocess.Popen[str]]:
    """`mailrun bounces listen`, once its port is open."""
    command = [sys.executable, "-m", "webapp", "bounces", "listen"]
    env = {**os.environ, **environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < end:
            with suppress(OSError):
                smtplib.SMTP("127.0.0.1", port).quit()
                break
            time.sleep(0.05)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(20)
