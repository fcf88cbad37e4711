"""`mailrun import`: what it prints, where, and its exit status."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select, update

from tests.imports import folders
from webapp.extensions import Runtime
from webapp.store.invoices import TransformationResult

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from webapp.cli import main; main()", "import"]

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


@pytest.fixture
def shell(environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return {**environ, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


def run(shell: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=shell,
        cwd=shell["MAILRUN_HOME"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_prints_what_is_new_then_that_nothing_is(shell: dict[str, str], tmp_path: Path) -> None:
    folder = str(folders.write(tmp_path / "in"))
    rehearsal = run(shell, folder, "--dry-run")
    assert (rehearsal.returncode, rehearsal.stderr) == (0, "")
    assert rehearsal.stdout.startswith("Nothing was stored (dry run).")
    first = run(shell, folder)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("Imported:")
    assert ["customer", "emails", "3", "0", "0", "0"] in [line.split() for line in first.stdout.splitlines()]
    second = run(shell, folder)
    assert second.stdout.startswith("Nothing to change: everything in this folder is stored already.")
    assert ["customer", "emails", "0", "0", "3", "0"] in [line.split() for line in second.stdout.splitlines()]


def test_refusals_go_to_stderr_with_status_1(shell: dict[str, str], tmp_path: Path) -> None:
    folder = folders.write(
        tmp_path / "in", emails_csv="customer_code,key,address,display_name\nC1,billing,x,\n"
    )
    done = run(shell, str(folder))
    assert (done.returncode, done.stdout) == (1, "")
    [error, last] = done.stderr.splitlines()
    assert error.startswith("emails.csv:2: address: 'x' is not an email address")
    assert last == "Nothing was imported: 1 error."
    assert run(shell, str(tmp_path / "nowhere")).returncode == 1


def test_a2_rows_are_told_and_too_many_removals_refused(shell: dict[str, str], tmp_path: Path) -> None:
    head = "customer_code,key,address,display_name\n"
    rows = [f"C1,billing,a{n}@customers.test,\n" for n in range(80)]
    first = run(shell, str(folders.write(tmp_path / "in", emails_csv=head + "".join(rows))))
    assert "new in customer emails: C1 billing a0@customers.test" in first.stdout
    assert "  and 60 more; --report FILE writes every row" in first.stdout
    folder = str(folders.write(tmp_path / "in", emails_csv=head + rows[0] + "C1,billing,b@auto,\n"))
    rehearsal = run(shell, folder, "--dry-run", "--report", str(tmp_path / "rows.txt"))
    assert rehearsal.returncode == 1
    assert "Warning: emails.csv:3: address: 'b@auto' has no dot after the @" in rehearsal.stderr
    assert "An import would be refused: the folder would take away 79 customer emails" in rehearsal.stderr
    every = (tmp_path / "rows.txt").read_text().splitlines()
    assert len(every) == 80
    assert every[0] == "removed in customer emails: C1 billing a1@customers.test"
    assert run(shell, folder).returncode == 1
    done = run(shell, folder, "--allow-removals", "79")
    assert done.returncode == 0
    assert ["customer", "emails", "1", "0", "1", "79"] in [line.split() for line in done.stdout.splitlines()]


def test_wrong_usage_has_status_2(shell: dict[str, str]) -> None:
    assert run(shell).returncode == 2
    assert run(shell, "folder", "--wet-run").returncode == 2


def test_a_database_that_was_not_set_up_is_told(shell: dict[str, str], tmp_path: Path) -> None:
    empty = {**shell, "MAILRUN_DATABASE_URL": f"sqlite:///{tmp_path / 'new.sqlite3'}"}
    done = run(empty, str(folders.write(tmp_path / "in")))
    assert done.returncode == 1
    assert "run: mailrun init" in done.stderr


def test_a_terminal_sees_a_bar(shell: dict[str, str], tmp_path: Path) -> None:
    folder = str(folders.write(tmp_path / "in"))
    ours, theirs = pty.openpty()
    child = subprocess.run(
        [*COMMAND, folder], env={**shell, "TERM": "xterm"}, stderr=theirs, timeout=60, check=False
    )
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert child.returncode == 0
    assert "Storing" in shown
    assert "100%" in shown


def test_a_store_that_is_away_once_all_is_imported_is_told(
    shell: dict[str, str], tmp_path: Path, runtime: Runtime
) -> None:
    folder = folders.write(tmp_path / "in")
    assert run(shell, str(folder)).returncode == 0
    with runtime.database.writing() as session:
        session.execute(update(TransformationResult).values(found_in=""))
        digests = session.scalars(select(TransformationResult.sha256)).all()
    for digest in digests:  # what is read is no file: an OSError, as of a disk that is away
        path = runtime.settings.home / "documents" / digest[:2] / digest
        path.unlink()
        path.mkdir()
    done = run(shell, str(folder))
    assert done.returncode == 0
    assert "The documents could not all be checked: Is a directory." in done.stderr
    assert "Traceback" not in done.stderr


def test_an_example_is_written_and_can_be_imported(shell: dict[str, str], tmp_path: Path) -> None:
    folder = str(tmp_path / "example")
    written = run(shell, "--example", folder)
    assert written.returncode == 0, written.stderr
    assert written.stdout.startswith(f"An example is in {folder}.")
    again = run(shell, "--example", folder)
    assert (again.returncode, "is not empty" in again.stderr) == (1, True)
    done = run(shell, folder)
    assert done.returncode == 0, done.stderr
    assert ["invoices", "3", "0", "0", "0"] in [line.split() for line in done.stdout.splitlines()]
    assert "Checked 3 documents; suspect: 0" in done.stdout
