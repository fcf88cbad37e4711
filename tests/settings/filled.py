"""The form of a setting as a page shows it, filled in with what is stored."""

from __future__ import annotations

from html.parser import HTMLParser

from tests.http_client import Browser


class _Fields(HTMLParser):
    """Reads the fields of the form `setting`."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.is_within, self.select, self.area = False, "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.is_within = given.get("id") == "setting"
        if not self.is_within:
            return
        name = given.get("name", "")
        if tag == "input" and given.get("type") not in ("checkbox", "radio", "hidden"):
            self.found[name] = given.get("value", "")
        elif tag in ("select", "textarea"):
            self.select, self.area = (name, "") if tag == "select" else ("", name)
            self.found.setdefault(name, "")
        elif tag == "option" and "selected" in given:
            self.found[self.select] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self.area:
            self.found[self.area] += data.lstrip("\r\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.is_within = False
        if tag == "textarea":
            self.area = ""


def filled(browser: Browser, url: str) -> dict[str, str]:
    """What the form at this address is filled in with."""
    reader = _Fields()
    reader.feed(browser.look(url).text)
    return reader.found
