"""A page is used once it has loaded, its scripts included, as a person does.

Playwright acts as soon as an element is there. After a click that leads to another page the scripts of that
page may not have run yet: a press then takes the way of a page without scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pytest
from playwright.sync_api import Locator

ACTIONS = ("check", "click", "dblclick", "fill", "focus", "hover", "press", "select_option", "uncheck")


@contextmanager
def patient() -> Iterator[None]:
    """Has each action on an element wait for its page, while the block lasts."""
    with pytest.MonkeyPatch.context() as patch:
        for action in ACTIONS:
            patch.setattr(Locator, action, _waiting(getattr(Locator, action)))
        yield


def _waiting(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def act(element: Locator, *args: Any, **options: Any) -> Any:
        element.wait_for(state="attached", timeout=options.get("timeout"))
        element.page.wait_for_load_state()
        return method(element, *args, **options)

    return act
