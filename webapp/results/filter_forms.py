"""The filter of results in an address or a form."""

from __future__ import annotations

from werkzeug.datastructures import MultiDict

from webapp.results.labels import reason_words
from webapp.results.orders import ORDERS
from webapp.results.queries import Filter
from webapp.translation import capital, translated
from webapp.web.lists import ListRequest, list_request

FILTERS = ("status", "reason")


def asked_results(run_id: int, args: MultiDict[str, str] | None = None) -> ListRequest:
    """The list of this run's results that the address, or `args` of a form, asks for."""
    return list_request(f"/runs/{run_id}", FILTERS, ORDERS, args)


def filter_of(asked: ListRequest) -> Filter:
    """The filter of the list."""
    given = asked.filters
    return Filter(status=given["status"], reason=given["reason"], search=asked.search, order=asked.sort)


def filter_words(chosen: Filter) -> str:
    """The filter in the title of the page: Failed, “petersen”"""
    narrowed = translated(chosen.status.capitalize()) or capital(reason_words(chosen.reason))
    return ", ".join(filter(None, (narrowed, f"“{chosen.search}”" if chosen.search else "")))
