"""Whether a template can be read. Parsing, too, is done in a child process with limits: a few thousand
characters keep Jinja's parser busy for minutes, or end it with an error of Python's own."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.mailing.sandbox import NoAnswer, SandboxProcess
from webapp.stored_texts import retold
from webapp.translation import N_, _

PARSING_SECONDS = 3.0
PARSING_MEGABYTES = 256


@dataclass(frozen=True)
class SyntaxProblem:
    """Why a template cannot be read; `line` is 0 if no line is to blame."""

    words: str
    line: int = 0

    def __str__(self) -> str:
        """In the reader's language."""
        words = retold(self.words)
        return _("Line %(line)s: %(words)s", line=self.line, words=words) if self.line else words


TOO_COMPLEX = SyntaxProblem(N_("It is too complex: simplify it."))


def syntax_problem(source: str) -> SyntaxProblem | None:
    """What keeps this template from being read; None if nothing does. What it produces is another question.
    Raises OSError if no child process can be started."""
    [answer] = PARSER.ask_all([source])
    if isinstance(answer, NoAnswer):
        return TOO_COMPLEX
    words, line = answer
    return SyntaxProblem(words, line) if words else None


PARSER = SandboxProcess("webapp.mailing.parser_child", PARSING_SECONDS, PARSING_MEGABYTES, yields=True)
"""The process's own, started at the first question."""
