"""What the frame around every page shows: the links of the topbar, the banners, who is logged in."""

from __future__ import annotations

import time
from dataclasses import dataclass

from flask import Flask, current_app, g

from webapp.extensions import Runtime, runtime
from webapp.web import form_keys, sessions


@dataclass(frozen=True)
class Link:
    name: str
    href: str
    blueprint: str


@dataclass(frozen=True)
class Banner:
    kind: str
    title: str
    words: str


LINKS = (Link("Runs", "/runs", "runs"), Link("Mailbox", "/dev/mailbox", "catcher"))
"""In the order of the topbar; one is shown only if its pages exist."""

ASK_REDIS_EVERY = 2.0


def init_app(app: Flask) -> None:
    """Gives the templates what the frame needs."""
    asked = Asked()
    app.add_template_global(form_keys.new, "new_form_key")

    @app.context_processor
    def frame() -> dict[str, object]:
        viewer = g.get("viewer")
        user = sessions.current() if viewer else None
        return {
            "viewer": viewer,
            "viewer_name": user.name if user else "",
            "topnav": [link for link in LINKS if link.blueprint in current_app.blueprints],
            "banners": banners(runtime(), asked) if viewer else [],
        }


class Asked:
    """Whether Redis answered when it was last asked, which is at most two seconds ago: pages stay fast."""

    def __init__(self) -> None:
        self.at = float("-inf")
        self.answered = False

    def redis_answers(self, parts: Runtime) -> bool:
        if time.monotonic() - self.at > ASK_REDIS_EVERY:
            self.answered = parts.bell.answers()
            self.at = time.monotonic()
        return self.answered


def banners(parts: Runtime, asked: Asked) -> list[Banner]:
    """What every page has to say before anything else."""
    said = []
    if parts.settings.redirect_to:
        said.append(
            Banner("is-deferred", "Safe mode.", f"Every mail goes to {parts.settings.redirect_to} only.")
        )
    if not parts.settings.redis_url:
        said.append(Banner("is-ready", "No Redis:", "the workers drain without it, by themselves."))
    elif not asked.redis_answers(parts):
        words = "The workers look for work by themselves; sending goes on."
        said.append(Banner("is-deferred", "Redis is away.", words))
    return said
