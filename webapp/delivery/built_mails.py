"""Builds the mails of one connection, one ahead of the mail server."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from webapp.delivery.prefetch import Prefetcher, PreparedInput
from webapp.delivery.return_paths import returning
from webapp.delivery.settlement import AttemptOutcome
from webapp.extensions import Runtime
from webapp.logs import ids
from webapp.mailing.addresses import forbidden_copies
from webapp.messages.building import Message, NotBuilt, build
from webapp.smtp.event_loop import EventLoop
from webapp.store.statuses import Outcome, ResultStatus
from webapp.store.types import storable
from webapp.translation import _

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuiltMail:
    """A mail that is ready to be offered."""

    prepared: PreparedInput
    message: Message


@dataclass(frozen=True)
class Builder:
    """The source of a connection's mails. `settle` is called with what cannot be built, and why."""

    runtime: Runtime
    prefetcher: Prefetcher
    event_loop: EventLoop
    settle: Callable[[PreparedInput, AttemptOutcome], None]

    def next(self, *, wait: bool) -> BuiltMail | None:
        """Build the next mail. One that cannot be built becomes `failed`, or `deferred` if the document store
        is away; it holds up no other mail."""
        while prepared := self.prefetcher.take(wait=wait):
            message = self._build(prepared)
            if isinstance(message, Message):
                return BuiltMail(prepared, message)
            if message.altered:
                self.prefetcher.hold(prepared, message.altered)
                continue
            to = ResultStatus.DEFERRED if message.for_now else ResultStatus.FAILED
            self.settle(prepared, AttemptOutcome(Outcome.UNMADE, to, detail=storable(message.words)))
        return None

    def next_meanwhile(self) -> Callable[[], BuiltMail | None]:
        """Build the next mail while the server takes the last one in; return a function that waits for it.

        A build that takes long runs in a task of its own, so that the server's reply is read as soon as it
        comes."""
        prepared = self.prefetcher.next_prepared
        if prepared and (self.runtime.documents.is_far or _is_packed(prepared)):
            return self.event_loop.spawn(partial(self.next, wait=False))
        following = self.next(wait=False)
        return lambda: following

    def _build(self, prepared: PreparedInput) -> Message | NotBuilt:
        """Build this mail. Any error in it is this message's alone and must not hold up the others."""
        documents, settings, inputs = self.runtime.documents, self.runtime.settings, prepared.inputs
        if words := forbidden_copies(inputs.bcc, inputs.content.get("reply_to", ""), settings.bcc_domains):
            return NotBuilt(words)

        def made() -> Message | NotBuilt:
            built = build(inputs, prepared.rendered, documents, settings.redirect_to)
            return returning(built, inputs, settings.secret_key) if isinstance(built, Message) else built

        try:
            return self.event_loop.run_in_thread(made) if documents.is_far or _is_packed(prepared) else made()
        except Exception as error:
            log.exception("a mail cannot be built", extra=ids(result=prepared.inputs.result_id))
            return NotBuilt(
                _(
                    "an error in building the mail: %(kind)s: %(error)s",
                    kind=type(error).__name__,
                    error=error,
                )
            )

    def store_packed(self, message: Message) -> AttemptOutcome | None:
        """Store what was packed for this mail alone. If the document store is away, returns the outcome:
        the mail is deferred."""
        try:
            for content in message.packed:
                self.event_loop.run_in_thread(partial(self.runtime.documents.put, content))
        except OSError as problem:
            words = _(
                "what was packed for this mail could not be stored: %(problem)s", problem=problem.strerror
            )
            return AttemptOutcome(Outcome.UNMADE, ResultStatus.DEFERRED, detail=words)
        return None


def _is_packed(prepared: PreparedInput) -> bool:
    """Whether the documents are zipped or encrypted, which takes long."""
    return prepared.inputs.content["zip"] or bool(prepared.inputs.content["password_key"])
