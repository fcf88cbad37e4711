"""`make advisories` finds pinned dependencies on an OSV export, by exact versions and by ranges."""

from __future__ import annotations

import importlib.util
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from webapp import ROOT

LOCK = """\
flask==3.1.2 \\
    --hash=sha256:aa
PyPDF_Ium2==5.15.0 ; python_version < '4'
psycopg[binary]==3.2.9
"""


def advisory(name: str, affected: dict[str, Any], **fields: Any) -> dict[str, Any]:
    package = {"package": {"ecosystem": fields.pop("ecosystem", "PyPI"), "name": name}, **affected}
    return {"id": f"GHSA-{name}", "summary": "bad", "affected": [package], **fields}


def within(*events: dict[str, str]) -> dict[str, Any]:
    return {"ranges": [{"type": "ECOSYSTEM", "events": list(events)}]}


SAMPLE = [
    advisory("Flask", within({"introduced": "0"}, {"fixed": "3.1.10"})),
    advisory("flask-cors", within({"introduced": "0"})),
    advisory("pypdf-ium2", {"versions": ["5.15.0"]}),
    advisory("psycopg", within({"introduced": "3.0"}, {"last_affected": "3.2.8"})),
    advisory("flask", within({"introduced": "0"}), withdrawn="2026-01-01T00:00:00Z", summary="withdrawn"),
    advisory("flask", within({"introduced": "0"}), ecosystem="npm", summary="another ecosystem"),
]


@pytest.fixture(scope="module")
def tool() -> Any:
    spec = importlib.util.spec_from_file_location("advisories", ROOT / "bin" / "advisories.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FOUND = ["flask 3.1.2: GHSA-Flask bad", "pypdf-ium2 5.15.0: GHSA-pypdf-ium2 bad"]


def test_a_list(tool: Any, tmp_path: Path) -> None:
    path = tmp_path / "osv.json"
    path.write_text(json.dumps(SAMPLE))
    assert tool.found(LOCK, path) == FOUND


def test_a_zip_of_files(tool: Any, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, each in enumerate(SAMPLE):
            archive.writestr(f"{number}.json", json.dumps(each))
    assert tool.found(LOCK, path) == FOUND


@pytest.mark.parametrize(
    ("version", "is_affected"),
    [
        ("1.9", False),
        ("2.0", True),
        ("2.9.9", True),
        ("2.10", False),
        ("3.0", True),
        ("3.1", True),
        ("4", False),
    ],
)
def test_ranges(tool: Any, version: str, is_affected: bool) -> None:
    two = within({"introduced": "2.0"}, {"fixed": "2.10"}, {"introduced": "3.0"}, {"last_affected": "3.1"})
    assert tool.is_affected(version, two) is is_affected


def test_every_pinned_dependency_is_read(tool: Any) -> None:
    pinned = tool.pinned((ROOT / "requirements.lock").read_text())
    assert pinned["flask"]
    assert pinned["psycopg"]
    assert len(pinned) > 80
