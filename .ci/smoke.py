"""A newcomer's first minutes, for real: a fresh clone, a new home, `make run`, log in, send, Ctrl-C.

Standard library only. Ends with status 1 and words at the first thing that is not as it should be."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).parent.parent
MARK = "MAILRUN_SMOKE_MARK"
START_SECONDS = 300
STOP_SECONDS = 60


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("smoke: told to stop"))
    with tempfile.TemporaryDirectory(prefix="mailrun-smoke-") as folder:
        clone = Path(folder) / "mailrun"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        environ = newcomers_environ(Path(folder))
        log = Path(folder) / "log"
        with open(log, "wb") as output:
            make = subprocess.Popen(
                ["make", "run"],
                cwd=clone,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            smoke(clone, environ, make, log)
        except (Exception, SystemExit):
            print(log.read_text(errors="replace"))
            raise
        finally:
            for pid in left(environ[MARK], clone):
                os.kill(pid, signal.SIGKILL)


def smoke(clone: Path, environ: dict[str, str], make: subprocess.Popen[bytes], log: Path) -> None:
    begun = time.monotonic()
    address, email, password = wait_for_start(make, log)
    say(f"started after {time.monotonic() - begun:.0f} s")
    begun = processor_time()
    subprocess.run(["make", "setup"], cwd=clone, env=environ, check=True, timeout=60)
    check(processor_time() - begun < 1, "a set-up that is up to date does nothing")
    page = log_in(address, email, password)
    check("New run" in page, "the list of runs is shown after the login")
    send(clone, environ)
    say("a month of invoices was sent")
    os.killpg(make.pid, signal.SIGINT)  # what Ctrl-C in a terminal does
    make.wait(STOP_SECONDS)
    end = time.monotonic() + STOP_SECONDS  # make may leave before the supervisor has ended everything
    while left(environ[MARK], clone) and time.monotonic() < end:
        time.sleep(0.2)
    check(not left(environ[MARK], clone), "Ctrl-C leaves no process behind")
    say("stopped, nothing left")


def newcomers_environ(folder: Path) -> dict[str, str]:
    """A new home, free ports, a mark to know the processes by; nothing of ours but the way to packages."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAILRUN_", "PYTHON"))}
    (folder / "home").mkdir()
    ours = {"HOME": str(folder / "home"), MARK: uuid.uuid4().hex}
    return kept | ours | {"MAILRUN_PORT": free_port(), "MAILRUN_CATCHER_PORT": free_port()}


def wait_for_start(make: subprocess.Popen[bytes], log: Path) -> tuple[str, str, str]:
    """Address, email and password, as `make run` prints them."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and make.poll() is None:
        said = log.read_text(errors="replace")
        if "Ctrl-C" in said:
            found = re.search(r"Go to +(\S+).*Log in +Email (\S+) +Password (\S+)", said, re.DOTALL)
            check(found is not None, "make run prints where to go and the login")
            assert found
            return found.group(1), found.group(2), found.group(3)
        time.sleep(0.2)
    sys.exit(f"smoke: make run did not start within {START_SECONDS} s")


def log_in(address: str, email: str, password: str) -> str:
    """Logs in as a browser does and gives the page of runs."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    form = browser.open(f"{address}/login").read().decode()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
    check(token is not None, "the login form has a token")
    assert token
    fields = {"email": email, "password": password, "csrf_token": token.group(1)}
    browser.open(f"{address}/login", urllib.parse.urlencode(fields).encode())
    check(browser.open(f"{address}/dev/mailbox").status == 200, "the mailbox is shown")
    return str(browser.open(f"{address}/runs").read().decode())


def send(clone: Path, environ: dict[str, str]) -> None:
    """Sends the last month's invoices and sees each of them caught."""
    last = datetime.now(UTC).astimezone().date().replace(day=1) - timedelta(days=1)
    period = ["--from", last.replace(day=1).isoformat(), "--to", last.isoformat()]
    cluster = ["--cluster", "Noordlicht Telecom", "--include-children"]
    run = mailrun(
        clone, environ, "create", "--definition", "Monthly invoice", *cluster, *period, "--start", "--json"
    )
    mailrun(clone, environ, "start", str(run["id"]), "--wait", "--timeout", "120")
    shown = mailrun(clone, environ, "show", str(run["id"]), "--json")
    sent = shown["counts"]["sent"]
    caught = len(list((clone / "instance" / "caught").glob("*.eml")))
    check(sent > 150, f"more than 150 mails were sent ({sent})")
    check(sent == caught, f"each mail was caught once ({caught} of {sent})")


def mailrun(clone: Path, environ: dict[str, str], *arguments: str) -> dict[str, dict[str, int]]:
    done = subprocess.run(
        [clone / ".venv/bin/mailrun", "runs", *arguments],
        cwd=clone,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    check(done.returncode == 0, f"mailrun runs {' '.join(arguments)}: {done.stderr}")
    return json.loads(done.stdout) if "--json" in arguments else {}


def left(mark: str, clone: Path) -> set[int]:
    """The living processes with our mark; Redis writes over its environment and is known by its socket."""
    found = set()
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            try:
                marked = f"{MARK}={mark}".encode() in (process / "environ").read_bytes().split(b"\0")
                if marked or f"unixsocket:{clone}/".encode() in (process / "cmdline").read_bytes():
                    found.add(int(process.name))
            except OSError:
                continue
    return found


def processor_time() -> float:
    """What our children took that have ended: seconds that do not depend on what else this machine does."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return str(found.getsockname()[1])


def check(holds: bool, what: str) -> None:
    if not holds:
        sys.exit(f"smoke: not so: {what}")


def say(words: str) -> None:
    print(f"smoke: {words}", flush=True)


if __name__ == "__main__":
    main()
