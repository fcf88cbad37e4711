"""The filter of results in an address or a form."""

from __future__ import annotations

from werkzeug.datastructures import MultiDict

from webapp.results import labels as results_labels
from webapp.results.orders import ORDERS
from webapp.results.queries import Filter


def filter_in(args: MultiDict[str, str]) -> Filter:
    """The filter that an address or a form names."""
    order = args.get("sort", "")
    return Filter(
        status=args.get("status", ""),
        reason=args.get("reason", ""),
        search=args.get("q", "").strip()[:200],
        order=order if order in ORDERS else "",
    )


def filter_words(chosen: Filter) -> str:
    """The filter in the title of the page: Failed, “petersen”"""
    narrowed = chosen.status.capitalize() or results_labels.reason_words(chosen.reason).capitalize()
    return ", ".join(filter(None, (narrowed, f"“{chosen.search}”" if chosen.search else "")))
