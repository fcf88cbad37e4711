"""The list as a person reads it and presses its buttons."""

from __future__ import annotations

import re

from tests.http_client import Browser
from webapp.results.to_fix import OpenCause


def part(browser: Browser, id: str, url: str = "/fix") -> str:
    """What a person reads in this part of the page."""
    page = browser.look(url).text
    section = page.partition(f'id="{id}"')[2].partition("</section>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", section).split())


def fields(
    browser: Browser, cause: OpenCause, n: int = 0, *, url: str = "/fix", **typed: object
) -> dict[str, object]:
    """The hidden fields of the n-th row of this cause, and what is typed into it (`value`, `file`), with its
    button as `only`."""
    page = browser.look(url).text
    token = re.findall(rf'id="row-({re.escape(cause.value)}\.[^"]*)"', page)[n]
    seen = re.search(rf'name="seen-{re.escape(token)}" value="([^"]*)"', page)
    action = typed.pop("action", "")
    found: dict[str, object] = {"only": f"{token}:{action}" if action else token}
    if seen:
        found[f"seen-{token}"] = seen[1]
    if cause == OpenCause.NO_PASSWORD and "value" in typed:
        typed["password"] = typed.pop("value")
    return found | {f"{name}-{token}": value for name, value in typed.items()}


def hidden(text: str) -> dict[str, str]:
    """The hidden fields of the question that was asked."""
    form = text.partition('class="card question"')[2].partition("</form>")[0]
    return dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))
