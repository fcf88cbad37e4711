"""Runs templates in a child process, in batches of plain data: one that runs away costs only its own message
(sandbox.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.mailing.sandbox import MEGABYTES, NoAnswer, SandboxProcess
from webapp.mailing.texts import MessageText, Rendered, Unrenderable
from webapp.translation import N_

RENDERING_TIME_LIMIT = 5.0
"""Seconds for one message: subject, body and the text made from it."""

RenderRequest = tuple[MessageText, dict[str, Any], tuple[Mapping[str, Any], ...]]
"""A message, the names that its templates see, and the further names for the template of file names."""


@dataclass(frozen=True)
class ToRender:
    """One message's templates, and the names that they see: dicts, lists, texts, numbers, dates; no objects.
    `files`: further names for the template of file names, file by file."""

    message: MessageText
    names: Mapping[str, Any]
    files: tuple[Mapping[str, Any], ...] = ()


class Renderer:
    """The templates' child process. May be used from several threads; it renders one batch at a time."""

    def __init__(
        self, seconds: float = RENDERING_TIME_LIMIT, megabytes: int = MEGABYTES, *, yields: bool = False
    ) -> None:
        self.sandbox = SandboxProcess("webapp.mailing.renderer_child", seconds, megabytes, yields=yields)

    def render_all(
        self, batch: Sequence[ToRender], until: float = float("inf")
    ) -> list[Rendered | Unrenderable]:
        """Render these messages, in order. If `until` (monotonic) passes meanwhile, only the first ones, but
        at least one. Raises OSError if no child process can be started."""
        questions: list[RenderRequest] = [(one.message, dict(one.names), one.files) for one in batch]
        return [self._read(answer) for answer in self.sandbox.ask_all(questions, until)]

    def render(self, one: ToRender) -> Rendered | Unrenderable:
        """Render one message."""
        return self.render_all([one])[0]

    def close(self) -> None:
        """End the child; the next batch would start another."""
        self.sandbox.close()

    def _read(self, answer: list[Any] | NoAnswer) -> Rendered | Unrenderable:
        if isinstance(answer, NoAnswer):
            if answer.is_late:
                return Unrenderable(
                    N_("the template ran for more than %(seconds)s seconds, and was ended")
                    % {"seconds": f"{self.sandbox.seconds:g}"}
                )
            return Unrenderable(
                N_("the template took more time or memory than a mail may have, and was ended")
            )
        kind, *values = answer
        if kind != "rendered":
            return Unrenderable(*values)
        subject, text, html, file_names = values
        return Rendered(subject, text, html, tuple(file_names))
