"""The process that parses templates: `python -m webapp.mailing.parser_child SECONDS MEGABYTES`."""

from __future__ import annotations

from jinja2 import Environment, TemplateSyntaxError

from webapp.mailing.sandbox_child import Answer, serve
from webapp.mailing.template_syntax import TOO_COMPLEX

ENVIRONMENT = Environment(autoescape=True)


def answer(source: str) -> Answer:
    """The words and the line of the first error; empty words if there is none."""
    try:
        ENVIRONMENT.parse(source)
    except TemplateSyntaxError as error:
        return error.message or "It cannot be read.", error.lineno
    except (RecursionError, MemoryError, ValueError):  # ValueError: a number of too many digits
        return TOO_COMPLEX.words, 0
    return "", 0


if __name__ == "__main__":
    serve(answer)
