"""The house stays in order: a file imports only downward, never in a circle, and speaks of itself alone."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent

TIERS = [
    ["webapp.config"],
    ["webapp.store"],
    ["webapp.mailing", "webapp.queue", "webapp.migrations"],
    ["webapp.extensions"],
    ["webapp.users", "webapp.mailservers"],
    ["webapp.invoices"],
    ["webapp.definitions"],
    ["webapp.imports"],
    ["webapp.runs"],
    ["webapp.demo"],
    ["webapp.web"],
    ["pages"],
    ["webapp.catcher", "webapp.launch"],
    ["webapp.application"],
    ["webapp"],
    ["webapp.cli", "webapp.__main__"],
    ["jobs", "wsgi"],
]
"""From the ground up. "pages" are the files of a feature that speak HTTP, HTML or the command line."""

PAGES = ("pages", "forms", "commands")
"""How the names of such files end."""

FORBIDDEN_NAMES = ("utils", "helpers", "common", "misc", "services", "manager")


def modules() -> dict[str, Path]:
    """Every module of ours, by its dotted name."""
    files = [*ROOT.glob("webapp/**/*.py"), *ROOT.glob("jobs/*.py"), ROOT / "wsgi.py"]
    found = {}
    for path in files:
        parts = path.relative_to(ROOT).with_suffix("").parts
        if "versions" in parts or path.name == "env.py":
            continue
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def tier(module: str) -> int:
    """How high up this module lives."""
    if module.startswith("webapp.") and module.endswith(PAGES) and module.count(".") == 2:
        highest = next((i for i, rooms in enumerate(TIERS) if module.rpartition(".")[0] in rooms), 0)
        return max(TIERS.index(["pages"]), highest)
    best = max(
        (room for rooms in TIERS for room in rooms if module == room or module.startswith(room + ".")),
        key=len,
    )
    return next(i for i, rooms in enumerate(TIERS) if best in rooms)


def imports() -> dict[str, set[str]]:
    """Module → the modules of ours that it imports, wherever in the file."""
    ours = modules()
    found: dict[str, set[str]] = {}
    for name, path in ours.items():
        wanted: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                wanted |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    wanted.add(inner if inner in ours else node.module)
        found[name] = {module for module in wanted if module in ours and module != name}
    return found


def test_every_room_has_its_place() -> None:
    rooms = {room for tier_rooms in TIERS for room in tier_rooms}
    for module in modules():
        room = module.split(".")[0] if module.startswith("jobs") else ".".join(module.split(".")[:2])
        assert room in rooms, f"{module} is in no room of the house"


def test_imports_go_downward() -> None:
    upward = [
        f"{module} imports {other}, which lives above it"
        for module, others in imports().items()
        for other in others
        if tier(other) > tier(module)
    ]
    assert upward == []


def test_no_imports_go_in_a_circle() -> None:
    graph = imports()
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> None:
        assert module not in path, " → ".join([*path[path.index(module) :], module])
        if module not in done:
            for other in graph[module]:
                visit(other, [*path, module])
            done.add(module)

    for module in graph:
        visit(module, [])


def test_only_the_queue_and_the_worker_know_rq() -> None:
    knows = {
        name for name, path in modules().items() if re.search(r"^(from|import) rq\b", path.read_text(), re.M)
    }
    assert knows == {"webapp.queue", "jobs.worker"}


def test_nothing_is_called_by_a_name_that_says_nothing() -> None:
    bad = [name for name in modules() if name.rpartition(".")[2] in FORBIDDEN_NAMES]
    assert bad == []
