"""What tests do on the pages of imports."""

from __future__ import annotations

import re

from tests.http_client import Browser, text_of


def page(browser: Browser, url: str) -> str:
    answer = browser.look(url)
    assert answer.status_code == 200, url
    return text_of(answer)


def correct(browser: Browser, set_id: int, **fields: str) -> None:
    """Send the form of the columns as it is on the page, but for these fields."""
    html = browser.look(f"/imports/{set_id}").text
    form = re.search(rf'action="/imports/{set_id}" id="columns-form">(.*?)</form>', html, re.S)
    assert form
    typed = {
        name: (re.search(r'<option(?: value="([^"]*)")? selected>([^<]*)', options) or [""] * 3)
        for name, options in re.findall(r'<select [^>]*name="([^"]+)">(.*?)</select>', form[1], re.S)
    }
    values = {name: str(found[1] if found[1] is not None else found[2]) for name, found in typed.items()}
    values |= dict(re.findall(r'<input class[^>]*name="([^"]+)"\s[^>]*value="([^"]*)"', form[1]))
    answer = browser.press(f"/imports/{set_id}", **{**values, **fields})
    assert answer.status_code == 303, text_of(answer)
