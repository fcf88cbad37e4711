"""Subject and text of the mail of a notice, or of a digest."""

from __future__ import annotations

from collections.abc import Sequence

from webapp.notices.words import NoticeWords, words_of
from webapp.store.notices import Notice, NoticeKind
from webapp.translation import _, ngettext


def mail_text(notice: Notice, contents: Sequence[Notice], address: str) -> tuple[str, str]:
    """Subject and text, in the language of the person who reads. `contents`: the notices of a digest;
    `address`: where the pages are, empty if no one has said so."""
    if notice.kind == NoticeKind.DIGEST:
        subject = ngettext("%(num)s notice of Mailrun", "%(num)s notices of Mailrun", len(contents))
        parts = [_paragraphs(words_of(one), address) for one in contents]
    else:
        words = words_of(notice)
        subject, parts = _("Mailrun: %(title)s", title=words.title), [_paragraphs(words, address)]
    return subject, "\n\n\n".join([*parts, _foot(address)]) + "\n"


def _paragraphs(words: NoticeWords, address: str) -> str:
    link = f"{words.link}: {address}{words.href}" if words.href and address else ""
    return "\n\n".join(part for part in (words.title, *words.lines, link) if part)


def _foot(address: str) -> str:
    if not address:
        return _("Which notices you get by mail you choose in Mailrun, under Account.")
    where = f"{address}/account#notices"
    return _("Which notices you get by mail you choose here: %(address)s", address=where)
