"""axe-core looks at a page as it is now, for what would shut a person out."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from playwright.sync_api import Page

RUN = """options => axe.run(document,
  { resultTypes: ['violations'], iframes: false, selectors: false, preload: false, ...options })"""
"""A frame holds a customer's mail, with no script in it that could answer: axe would wait for one. Selectors
and style sheets are for what is not asked here."""
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""All that another theme changes."""

SETTLE = """async () => {
  while (document.querySelector('.htmx-request')) await new Promise(requestAnimationFrame);
  await Promise.allSettled(document.getAnimations().map(one => one.finished));
}"""
"""What is being loaded again is dimmed meanwhile."""

LOOKS = ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"))


@cache
def source() -> str:
    """axe itself. It is put in by the test, since the policy of the pages lets no script in."""
    return resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def examine(page: Page, what: str) -> list[str]:
    """What is wrong with the page in this moment, wide and narrow, light and dark: a line each."""
    size = page.viewport_size
    wrong = []
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        page.evaluate(SETTLE)
        found = [*_violations(page, {} if scheme == "light" else COLOURS), *_sideways(page)]
        wrong += [f"{what}, {width} {scheme}: {fault}" for fault in found]
    if size:
        page.set_viewport_size(size)
    return wrong


def _violations(page: Page, options: dict[str, Any]) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(source())
    found: dict[str, Any] = page.evaluate(RUN, options)
    return [
        f"{violation['id']}: {violation['help']}: {node['html'][:160]} ({node['failureSummary']})"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def _sideways(page: Page) -> list[str]:
    """Whether the page, or the dialog over it, scrolls sideways, and what sticks out."""
    return list(
        page.evaluate(
            """() => [document.scrollingElement, ...document.querySelectorAll('dialog[open]')]
              .filter(box => box.scrollWidth > box.clientWidth)
              .map(box => `${box.tagName} scrolls sideways: ${box.scrollWidth} > ${box.clientWidth}: ` +
                [...box.querySelectorAll('*')]
                  .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
                  .slice(0, 3).map(one => one.outerHTML.slice(0, 120)).join(' | '))"""
        )
    )
