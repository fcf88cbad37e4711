"""What a template refers to: the parts that it includes, the pictures that it shows. Read, not rendered."""

from __future__ import annotations

import re
from collections.abc import Iterable

from jinja2 import Environment, TemplateSyntaxError, meta

REFERENCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
"""Names that parts and pictures may have."""
SHOWN = re.compile(r"\bcid:([A-Za-z0-9][A-Za-z0-9_-]*)")


def parts_in(source: str) -> set[str]:
    """The names of the parts that this source includes, imports or extends; none if it cannot be read."""
    try:
        tree = Environment(autoescape=True).parse(source)
    except (TemplateSyntaxError, RecursionError):
        return set()
    return {name for name in meta.find_referenced_templates(tree) if name is not None}


def pictures_in(sources: Iterable[str]) -> set[str]:
    """The names of the pictures that these sources show: `<img src="cid:logo">`."""
    return {name for source in sources for name in SHOWN.findall(source)}
