"""The architecture of docs/architecture.md, as far as import-linter (`make lint`) does not check it."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PAGES = re.compile(r"(\w*pages|forms|dialog|commands)\.py")
"""The files of a room that know Flask, click or webapp.web."""
ROOMS_OF_PAGES = ("web", "launch")
"""Rooms that are about nothing else."""
KNOWS_FLASK = ("webapp/__init__.py", "webapp/application.py", "webapp/cli.py", "webapp/console.py",
               "webapp/extensions.py", "webapp/store/db.py")  # fmt: skip
FORBIDDEN_NAMES = ("utils", "helpers", "common", "misc", "services", "manager")
NUMBERLESS_NAMES = ("MOST", "SECONDS", "FEW", "LOOKED_AT", "PAGE", "CHUNK", "SIZE")
LINES_PER_FILE, LINES_PER_TEST, LINES_PER_FUNCTION = 260, 300, 50
FILES_PER_ROOM, SHARE_OF_ROOM = 26, 0.13


def sources(*patterns: str) -> list[Path]:
    """Our Python files, without migrations."""
    patterns = patterns or ("webapp/**/*.py", "jobs/*.py", "wsgi.py")
    found = (path for pattern in patterns for path in ROOT.glob(pattern))
    return sorted(path for path in found if "versions" not in path.parts)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported_by(path: Path) -> set[str]:
    """The modules that a file imports, wherever in the file; `from a import b` gives a and a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def imports_any(path: Path, *modules: str) -> bool:
    return any(
        name == module or name.startswith(f"{module}.") for name in imported_by(path) for module in modules
    )


def test_only_the_queue_and_the_worker_know_rq() -> None:
    assert {name_of(path) for path in sources() if imports_any(path, "rq")} == {
        "webapp/queue.py",
        "jobs/run_job.py",
        "jobs/worker.py",
    }


def test_only_the_store_makes_engines() -> None:
    makers = [name_of(path) for path in sources() if "sqlalchemy.create_engine" in imported_by(path)]
    assert [name for name in makers if not name.startswith("webapp/store/")] == []


def test_within_a_room_only_pages_forms_and_commands_know_flask() -> None:
    knowing = [
        name_of(path)
        for path in sources("webapp/**/*.py")
        if path.parent.name not in ROOMS_OF_PAGES
        and name_of(path) not in KNOWS_FLASK
        and not PAGES.fullmatch(path.name)
        and imports_any(path, "flask", "click", "webapp.web")
    ]
    assert knowing == []


def test_no_class_name_is_used_twice() -> None:
    places = defaultdict(list)
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(name_of(path))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def constants(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text()).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def test_nothing_has_a_name_that_says_nothing() -> None:
    assert [name_of(path) for path in sources() if path.stem in FORBIDDEN_NAMES] == []
    bad = [
        f"{name_of(path)}: {name}"
        for path in sources()
        for name in constants(path)
        if name in NUMBERLESS_NAMES
    ]
    assert bad == []


def lengths(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{name_of(path)}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1


def test_files_and_functions_fit_on_a_screen_or_a_few() -> None:
    ours, tests = sources(), sources("tests/**/*.py")
    limits = [(path, LINES_PER_FILE) for path in ours] + [(path, LINES_PER_TEST) for path in tests]
    counted = {path: path.read_text().count("\n") for path, _ in limits}
    assert {name_of(path): counted[path] for path, limit in limits if counted[path] > limit} == {}
    functions = (item for path in ours for item in lengths(path))
    assert {name: lines for name, lines in functions if lines > LINES_PER_FUNCTION} == {}


def test_no_room_outgrows_the_others() -> None:
    lines, files = Counter[str](), Counter[str]()
    for path in sources("webapp/**/*.py"):
        room = path.relative_to(ROOT / "webapp").parts[0]
        lines[room] += path.read_text().count("\n")
        files[room] += 1
    whole = sum(lines.values())
    assert {room: n / whole for room, n in lines.items() if n / whole > SHARE_OF_ROOM} == {}
    assert {room: n for room, n in files.items() if n > FILES_PER_ROOM} == {}


@pytest.mark.parametrize("kind", ["templates", "tests"])
def test_templates_and_tests_have_the_names_of_the_rooms(kind: str) -> None:
    rooms = {path.parent.name for path in ROOT.glob("webapp/*/__init__.py")}
    shared = {
        "templates": {"layouts", "macros", "mails", "templates"},
        "tests": {"browsing", "faults", "jobs", "realmail", "security"},
    }
    folders = {path.name for path in (ROOT / kind).iterdir() if path.is_dir() and path.name[0] not in "_."}
    assert folders - rooms - shared[kind] == set()


def opened_by_hand(tree: ast.AST, *, in_generator: bool = False) -> Iterator[int]:
    """The lines that open a session by `….reading()` outside a generator."""
    for node in ast.iter_child_nodes(tree):
        is_generator = isinstance(node, ast.FunctionDef) and any(
            isinstance(each, ast.Yield | ast.YieldFrom) for each in ast.walk(node)
        )
        if isinstance(node, ast.Attribute) and node.attr == "reading" and not in_generator:
            yield node.lineno
        yield from opened_by_hand(node, in_generator=in_generator or is_generator)


def test_page_handlers_read_with_the_session_of_their_request() -> None:
    """Only what is streamed after the request opens sessions of its own."""
    pages = sources("webapp/*/*pages.py", "webapp/*/*forms.py", "webapp/*/dialog.py")
    opened = [
        f"{name_of(path)}:{line}" for path in pages for line in opened_by_hand(ast.parse(path.read_text()))
    ]
    assert opened == []


def test_a_session_that_is_opened_by_hand_is_found() -> None:
    handler = "def page():\n    with database.reading() as session:\n        pass\n"
    streamed = "def lines():\n    with database.reading() as session:\n        yield 1\n"
    assert list(opened_by_hand(ast.parse(handler))) == [2]
    assert list(opened_by_hand(ast.parse(streamed))) == []


def test_a_file_that_translates_calls_nothing_else_by_that_name() -> None:
    taken = [
        f"{name_of(path)}:{node.lineno}"
        for path in sources()
        if re.search(r"^from webapp.translation import .*\b_\b", path.read_text(), re.M)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Name) and node.id == "_" and isinstance(node.ctx, ast.Store)
    ]
    assert taken == []
