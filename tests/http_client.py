"""A person at the pages: logs in through the form, presses the forms that the pages really show."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.world import World

PASSWORD = "correct horse battery"
HIDDEN = re.compile(r'name="(csrf_token|form_key)" value="([^"]+)"')


@dataclass
class Browser:
    """`client` is Flask's test client, over the whole application; CSRF is on."""

    client: FlaskClient
    url: str = "/"
    keys: dict[str, str] = field(default_factory=dict)

    def log_in(self, email: str, password: str = PASSWORD, **fields: str) -> TestResponse:
        self.look("/login")
        return self.client.post("/login", data={**self.keys, "email": email, "password": password, **fields})

    def look(self, url: str, *, htmx: bool = False) -> TestResponse:
        """GET; remembers the token and the one-use key of the last form on the page."""
        answer = self.client.get(url, headers=self._headers() if htmx else {})
        self.url = self.url if htmx else url
        if answer.mimetype == "application/zip" or "spreadsheet" in (answer.mimetype or ""):
            return answer
        self.keys.update(dict(HIDDEN.findall(answer.text)))
        return answer

    def press(self, url: str, **fields: object) -> TestResponse:
        """POST with the remembered token and key; as htmx does it with `htmx=True`."""
        headers = self._headers() if fields.pop("htmx", False) else {}
        answer = self.client.post(url, data={**self.keys, **fields}, headers=headers)
        self.keys.update(dict(HIDDEN.findall(answer.text)))
        return answer

    def _headers(self) -> dict[str, str]:
        return {"HX-Request": "true", "HX-Current-URL": f"http://localhost{self.url}"}


def readable(answer: TestResponse) -> str:
    """All texts of the answer, as they are; of a spreadsheet those of its parts."""
    if "spreadsheet" not in (answer.mimetype or ""):
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.data)) as parts:
        return " ".join(parts.read(name).decode() for name in parts.namelist())


def text_of(answer: TestResponse) -> str:
    """What a person reads: without tags, white space folded."""
    return " ".join(re.sub(r"<[^>]*>", " ", answer.text).split())


LogIn = Callable[..., Browser]
"""What the fixture `log_in` gives."""


def fields(world: World, **given: object) -> dict[str, object]:
    """The run dialog filled in for everybody in October."""
    return {
        "definition": world.definition.id,
        "cluster": "all",
        "include_children": "y",
        "period_from": "2026-10-01",
        "period_to": "2026-10-31",
        **given,
    }
