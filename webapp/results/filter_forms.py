"""What an address or a form says of which results are meant."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from webapp.results.queries import ORDERS, Filter
from webapp.runs import labels


def address(path: str, **args: str) -> str:
    """The path with those of the arguments that are not empty."""
    given = urlencode({name: value for name, value in args.items() if value})
    return f"{path}?{given}" if given else path


def filter_in(args: MultiDict[str, str]) -> Filter:
    """The filter that an address or a form names."""
    order = args.get("sort", "")
    return Filter(
        status=args.get("status", ""),
        reason=args.get("reason", ""),
        search=args.get("q", "").strip()[:200],
        order=order if order in ORDERS else "",
    )


def ids_in(texts: list[str]) -> list[int]:
    """Those of the texts that are ids, each once."""
    return list(dict.fromkeys(int(text) for text in texts if re.fullmatch(r"[0-9]{1,18}", text)))


def filter_words(chosen: Filter) -> str:
    """What a title says of the filter: Failed, “petersen”"""
    narrowed = chosen.status.capitalize() or labels.reason_words(chosen.reason).capitalize()
    return ", ".join(filter(None, (narrowed, f"“{chosen.search}”" if chosen.search else "")))
