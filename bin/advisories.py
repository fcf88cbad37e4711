"""Tell which pinned dependencies are on an export of advisories: `make advisories FILE=…`.

FILE is one in the OSV format (https://ossf.github.io/osv-schema/): a JSON object, a list of them, or a ZIP
of such files, such as https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip. Exits with 1 if
any is."""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).parent.parent
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def normal(name: str) -> str:
    """The name of a package as PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(lock: str) -> dict[str, str]:
    """Package → version, from a lock file."""
    return {normal(name): version for name, version in PINNED.findall(lock)}


def advisories(path: Path) -> Iterator[dict[str, Any]]:
    """Every advisory of the export that was not withdrawn."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            texts = [archive.read(name) for name in archive.namelist() if name.endswith(".json")]
    else:
        texts = [path.read_bytes()]
    for text in texts:
        read = json.loads(text)
        for each in read if isinstance(read, list) else [read]:
            if not each.get("withdrawn"):
                yield each


def is_affected(version: str, affected: dict[str, Any]) -> bool:
    """Whether this version is among the versions, or within the ranges, of an entry of an advisory."""
    if version in affected.get("versions", ()):
        return True
    return any(
        _is_within(Version(version), each["events"])
        for each in affected.get("ranges", ())
        if each["type"] in ("ECOSYSTEM", "SEMVER")
    )


def _is_within(version: Version, events: list[dict[str, str]]) -> bool:
    """Events in the order of their versions: from `introduced` on, until `fixed` or after `last_affected`."""
    inside = False
    for event in sorted(events, key=lambda each: _version(next(iter(each.values())))):
        kind, at = next(iter(event.items()))
        if kind == "introduced" and version >= _version(at):
            inside = True
        elif (kind == "fixed" and version >= _version(at)) or (
            kind == "last_affected" and version > _version(at)
        ):
            inside = False
    return inside


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")


def found(lock: str, path: Path) -> list[str]:
    """Each pinned dependency that is on it, in words, by name."""
    versions, told = pinned(lock), set()
    for advisory in advisories(path):
        for affected in advisory.get("affected", ()):
            package = affected.get("package", {})
            name = normal(package.get("name", ""))
            version = versions.get(name)
            if package.get("ecosystem") == "PyPI" and version and is_affected(version, affected):
                told.add(f"{name} {version}: {advisory['id']} {advisory.get('summary', '')}".rstrip())
    return sorted(told)


def main() -> None:
    """Print what is found."""
    lock = (ROOT / "requirements.lock").read_text()
    told = found(lock, Path(sys.argv[1]))
    print("\n".join(told) or f"None of {len(pinned(lock))} pinned dependencies is on it.")
    sys.exit(bool(told))


if __name__ == "__main__":
    main()
