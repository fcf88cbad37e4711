"""Gives PDFs a password, in child processes: a PDF may be anything, and one that takes too much memory or
time costs only its own mail (sandbox.py).

Run as `python -m webapp.mailing.pdf_locking SECONDS MEGABYTES`, it is such a child."""

from __future__ import annotations

import os
import re
import secrets
import stringprep
import unicodedata
from io import BytesIO
from queue import LifoQueue
from typing import TYPE_CHECKING

from webapp.mailing.compose import Uncomposable
from webapp.mailing.sandbox import MEGABYTES, NoAnswer, SandboxProcess
from webapp.mailing.sandbox_child import Answer, serve
from webapp.store.statuses import LockProblem
from webapp.translation import N_, _

if TYPE_CHECKING:  # 5 MB that only the child needs
    import pikepdf

LOCKING_TIME_LIMIT = 10.0
"""Seconds for one PDF."""
HEADER_WITHIN = 1024
"""A PDF may begin with this many other bytes; readers look for its header among them."""
FIELDS_SEARCHED = 10_000
"""Form fields that are searched for a signature."""
PDFA_CLAIM = "{http://www.aiim.org/pdfa/ns/id/}"
"""The namespace of the metadata by which a PDF claims to be PDF/A."""

WHY_NOT = {
    LockProblem.SIGNED: N_("is signed, and a password would break the signature"),
    LockProblem.RESTRICTED: N_("is restricted by a password of its own"),
    LockProblem.ENCRYPTED: N_("is encrypted already with a password of its own"),
    LockProblem.UNREADABLE: N_("cannot be read"),
}
"""Why a PDF cannot be given a password, to follow its name."""


def why_not(problem: LockProblem) -> str:
    """Why no password can be set, and the way out, to follow the name of the PDF."""
    without = (
        _("without a signature") if problem == LockProblem.SIGNED else _("that opens without a password")
    )
    if problem == LockProblem.UNREADABLE:
        without = _("that can be read")
    return _(
        "%(why_not)s, so no password can be set: choose ZIP in the definition, or import the PDF %(without)s",
        why_not=_(WHY_NOT[problem]),
        without=without,
    )


def begins_like_pdf(content: bytes, *, is_said_to: bool = False) -> bool:
    """Whether these are the first bytes of a PDF: after a byte order mark and blanks at most, or, if its type
    says that it is one, after anything."""
    head = content[:HEADER_WITHIN]
    return b"%PDF" in head if is_said_to else head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"%PDF")


def saslprep(password: str) -> str:
    """The password as PDF 2.0 readers derive it from what a person types (RFC 4013): `１２` becomes `12`, and
    a letter and its accent become one character. Raises Uncomposable for what RFC 4013 prohibits."""
    mapped = (" " if stringprep.in_table_c12(each) else each for each in password)
    kept = "".join(each for each in mapped if not stringprep.in_table_b1(each))
    prepared = unicodedata.normalize("NFKC", kept)
    if not prepared or any(is_prohibited(each) for each in prepared for is_prohibited in PROHIBITED):
        raise Uncomposable(_("the password has a character that cannot be typed"))
    if any(map(stringprep.in_table_d1, prepared)):  # RFC 3454, 6: letters that are read from right to left
        ends_so = stringprep.in_table_d1(prepared[0]) and stringprep.in_table_d1(prepared[-1])
        if not ends_so or any(map(stringprep.in_table_d2, prepared)):
            raise Uncomposable(
                _("the password mixes letters read from right to left with others, which PDF readers refuse")
            )
    return prepared


PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


class PdfLocker:
    """The child processes that give PDFs passwords: at most one per core, each started when it is first
    needed and kept. May be used from several threads; one that finds none free waits."""

    def __init__(self, seconds: float = LOCKING_TIME_LIMIT, megabytes: int = MEGABYTES) -> None:
        self._free: LifoQueue[SandboxProcess] = LifoQueue()
        for _each in range(os.cpu_count() or 1):
            self._free.put(SandboxProcess("webapp.mailing.pdf_locking", seconds, megabytes))

    def lock(self, content: bytes, password: str) -> bytes:
        """The PDF, encrypted with this password (as saslprep makes it). Raises Uncomposable with words that
        follow the name of the document, and OSError if no child process can be started."""
        child = self._free.get()
        try:
            [answer] = child.ask_all([(content, password)])
        finally:
            self._free.put(child)
        match answer:
            case ["locked", bytes(locked)]:
                return locked
            case ["unlockable", str(problem)]:
                raise Uncomposable(why_not(LockProblem(problem)))
            case ["unreadable", str(words)]:
                raise Uncomposable(_("cannot be opened, so no password can be set: %(words)s", words=words))
            case NoAnswer(is_late=True):
                raise Uncomposable(
                    _(
                        "took more than %(seconds)s seconds, so no password can be set",
                        seconds=format(child.seconds, "g"),
                    )
                )
        raise Uncomposable(_("takes more memory than a document may, so no password can be set"))

    def close(self) -> None:
        """End the children that are free; the next PDF would start another."""
        children = [self._free.get() for _each in range(self._free.qsize())]
        for child in children:
            child.close()
            self._free.put(child)


LOCKER = PdfLocker()
"""This process's. The children of a worker stay warm from run to run."""


def answer(question: tuple[bytes, str]) -> Answer:
    """The encrypted PDF, or why there is none.

    The owner password is thrown away: a reader who can open the document may do everything with it. An
    encrypted file is no PDF/A (ISO 19005): it stops claiming to be one."""
    import pikepdf

    content, password = question
    encrypted = BytesIO()
    try:
        with pikepdf.open(BytesIO(content)) as pdf:
            if problem := lock_problem(pdf):
                return "unlockable", problem.value
            _withdraw_pdfa_claim(pdf)
            how = pikepdf.Encryption(user=password, owner=secrets.token_urlsafe(24), R=6)
            pdf.save(encrypted, encryption=how)
    except pikepdf.PasswordError:
        return "unlockable", LockProblem.ENCRYPTED.value
    except pikepdf.PdfError as error:
        return "unreadable", said_of(error)
    return "locked", encrypted.getvalue()


def said_of(error: Exception) -> str:
    """What pikepdf says, without the name that it gives to bytes in memory."""
    return re.sub(r"^stream <[^>]*>\s*(\([^)]*\))?:?\s*", "", str(error))


def lock_problem(pdf: pikepdf.Pdf) -> LockProblem:
    """Why this PDF cannot be rewritten with a password without harm."""
    if pdf.is_encrypted:
        return LockProblem.RESTRICTED
    if _is_signed(pdf):
        return LockProblem.SIGNED
    return LockProblem.NONE


def _is_signed(pdf: pikepdf.Pdf) -> bool:
    """Whether the form says that it has signatures, a signature field has a value, or a signature certifies
    the document or extends the rights of readers (DocMDP, UR3: both stand in Perms)."""
    import pikepdf

    perms, form = pdf.Root.get("/Perms"), pdf.Root.get("/AcroForm")
    if isinstance(perms, pikepdf.Dictionary) and len(perms):
        return True
    if not isinstance(form, pikepdf.Dictionary):
        return False
    flags = form.get("/SigFlags", 0)
    if isinstance(flags, int) and flags:
        return True
    waiting: list[tuple[pikepdf.Object | None, pikepdf.Object | None]] = [(form.get("/Fields"), None)]
    for _step in range(FIELDS_SEARCHED):
        if not waiting:
            break
        fields, inherited = waiting.pop()
        for field in fields if isinstance(fields, pikepdf.Array) else ():
            if isinstance(field, pikepdf.Dictionary):
                kind = field.get("/FT", inherited)
                if kind == pikepdf.Name.Sig and field.get("/V") is not None:
                    return True
                waiting.append((field.get("/Kids"), kind))
    return False


def _withdraw_pdfa_claim(pdf: pikepdf.Pdf) -> None:
    if "/Metadata" not in pdf.Root:
        return
    metadata = pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False)
    if claims := [key for key in metadata if key.startswith(PDFA_CLAIM)]:
        with metadata:
            for key in claims:
                del metadata[key]


if __name__ == "__main__":
    serve(answer)
