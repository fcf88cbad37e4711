"""The static files: their versioned addresses, and the modules of the pages' scripts."""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import dirname, normpath

import pytest
from flask import Flask

from tests.http_client import Browser, LogIn
from webapp.web import assets

STATIC = Path(__file__).parents[2] / "static"
MODULES = sorted((STATIC / "js").glob("*.js"))
IMPORT = re.compile(r"^import (?:(?P<names>\{[^}]*\}|\* as \w+) from )?'(?P<address>[^']+)';$", re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:function|const|let|class) (\w+|\$+)", re.MULTILINE)


def imports(source: str) -> list[tuple[str, list[str]]]:
    """What a module imports: of each import the address, and the names in braces."""
    found = list(IMPORT.finditer(source))
    assert len(found) == len(re.findall(r"\bimport\b[^/\n]*['\"(]", source)), "an import in another form"
    return [(one["address"], re.findall(r"[\w$]+", one["names"] or "")) for one in found]


def test_every_module_is_reached_from_the_pages(log_in: LogIn) -> None:
    browser = log_in()
    pages = "".join(browser.look(page).text for page in ("/runs", "/definitions/new", "/account/factors"))
    unread = set(re.findall(r'<script type="module" src="([^"]+)"', pages))
    read: set[str] = set()
    while unread:
        address = unread.pop()
        answer = browser.client.get(address)
        assert answer.status_code == 200, address
        assert answer.mimetype == "text/javascript", address
        assert answer.headers["Cache-Control"] == assets.CACHE_FOREVER, address
        read.add(address)
        if "/js/" in address:
            nearby = {normpath(f"{dirname(address)}/{one}") for one, _ in imports(answer.text)}
            unread |= nearby - read
    names = {address.split("/", 3)[3] for address in read}
    assert names - {"codemirror-6.43.min.js"} == {f"js/{module.name}" for module in MODULES}
    assert len({address.split("/")[2] for address in read}) == 1, "all of one version"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.name))
def test_a_module_imports_only_what_there_is(module: Path) -> None:
    for address, names in imports(module.read_text()):
        assert address.startswith(("./", "../")), address
        imported = module.parent / address
        assert imported.is_file(), address
        if imported in MODULES:
            assert set(names) <= set(EXPORT.findall(imported.read_text())), address


def test_no_module_imports_itself_by_way_of_others() -> None:
    below = {
        module: {(module.parent / address).resolve() for address, _ in imports(module.read_text())}
        for module in (path.resolve() for path in MODULES)
    }
    while below:
        leaves = {module for module, imported in below.items() if not imported & below.keys()}
        assert leaves, f"a circle among {sorted(module.name for module in below)}"
        below = {module: imported for module, imported in below.items() if module not in leaves}


def test_a_file_of_another_version_is_not_there(pages: Flask) -> None:
    client = Browser(pages.test_client()).client
    assert client.get("/static/0123456789ab/js/main.js").status_code == 404
    unversioned = client.get("/static/js/main.js")
    assert unversioned.status_code == 200
    assert "immutable" not in unversioned.headers["Cache-Control"]


def test_the_version_changes_with_content_and_names(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    (tmp_path / "b.js").write_text("2")
    first = assets.version_of(tmp_path, ["a.js", "b.js"])
    assert assets.version_of(tmp_path, ["a.js", "b.js"]) == first
    (tmp_path / "b.js").write_text("3")
    second = assets.version_of(tmp_path, ["a.js", "b.js"])
    (tmp_path / "b.js").rename(tmp_path / "c.js")
    third = assets.version_of(tmp_path, ["a.js", "c.js"])
    assert len({first, second, third}) == 3


def test_a_page_cannot_name_a_file_that_is_not_there(pages: Flask) -> None:
    with pages.test_request_context("/"), pytest.raises(LookupError):
        pages.jinja_env.globals["asset"]("js/nothing.js")  # type: ignore[operator]
