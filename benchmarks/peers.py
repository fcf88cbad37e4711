"""What you would use instead, each doing the same work in processes of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

from benchmarks import sink, timing
from benchmarks.timing import Timed

HERE = Path(__file__).parent
CACHE = HERE / ".cache"
WIRE_BYTES = 88_000
"""About what a message of the work has."""


def b_plain(port: int, messages: int) -> Timed:
    """smtplib with bytes that were made before."""
    return timing.run([sys.executable, "-m", "benchmarks.plain", str(port), str(messages)])


def flask_mail(port: int, messages: int, folder: Path) -> Timed:
    """A loop with Flask-Mail over one connection."""
    return timing.run(
        [sys.executable, "-m", "benchmarks.flask_mail_loop", str(port), str(messages), str(folder)]
    )


def smtp_source(port: int, messages: int) -> Timed | None:
    """Postfix's own, in C, one session; None if it is not installed. Its body is made once."""
    binary = sink.source()
    if binary is None:
        return None
    options = ["-s", "1", "-m", str(messages), "-l", str(WIRE_BYTES), "-r", "2", "-d"]
    code = "import sys, subprocess; from benchmarks import timing\nwith timing.told(int(sys.argv[1])):\n"
    code += "    subprocess.run(sys.argv[2:], check=True)"
    command = [sys.executable, "-c", code, str(messages), binary, *options, f"127.0.0.1:{port}"]
    return timing.run(command)


@dataclass(frozen=True)
class PostOffice:
    """`sending` alone, and together with putting them into its queue."""

    sending: Timed
    queueing: Timed

    @property
    def rate_with_queueing(self) -> float:
        return self.sending.messages / (self.sending.seconds + self.queueing.seconds)


def post_office(python: Path, port: int, messages: int, folder: Path) -> PostOffice:
    """django-post_office, the queue in a SQLite file of its own."""
    with tempfile.TemporaryDirectory(prefix="mailrun-bench-") as home:
        environ = {"PYTHONPATH": str(HERE.parent)}
        command = [str(python), "-m", "benchmarks.post_office"]
        arguments = [str(port), str(messages), str(folder), home]
        queueing = timing.run([*command, "prepare", *arguments], environ)
        return PostOffice(timing.run([*command, "send", *arguments], environ), queueing)


def django_python() -> Path | None:
    """The interpreter of an environment with what peers.txt names, made at the first call; None if that
    cannot be had (no network)."""
    wanted = (HERE / "peers.txt").read_text()
    python, made_of = CACHE / "peers/bin/python", CACHE / "peers/made_of.txt"
    if made_of.exists() and made_of.read_text() == wanted:
        return python
    try:
        venv.create(CACHE / "peers", with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "-q", "--no-deps", "-r", str(HERE / "peers.txt")]
        subprocess.run(install, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"django-post_office is not measured: {error}")
        return None
    made_of.write_text(wanted)
    return python
