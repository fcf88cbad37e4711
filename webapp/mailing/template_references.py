"""What a template refers to: the parts that it includes, the pictures that it shows. Read without a parser,
in time proportional to the length: a stored template may be anything."""

from __future__ import annotations

import re
from collections.abc import Iterable

REFERENCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
"""Names that parts and pictures may have."""
SHOWN = re.compile(r"\bcid:([A-Za-z0-9][A-Za-z0-9_-]*)")
COMMENT = re.compile(r"\{#.*?#\}", re.S)
INCLUDING = re.compile(r"\{%[-+]?\s*(?:include|import|from|extends)\b([^%]*)")
QUOTED = re.compile(r"\"([^\"\\]*)\"|'([^'\\]*)'")


def parts_in(source: str) -> set[str]:
    """The names of the parts that this source includes, imports or extends."""
    found: set[str] = set()
    for tag in INCLUDING.findall(COMMENT.sub("", source)):
        found.update(double or single for double, single in QUOTED.findall(tag))
    return found


def pictures_in(sources: Iterable[str]) -> set[str]:
    """The names of the pictures that these sources show: `<img src="cid:logo">`."""
    return {name for source in sources for name in SHOWN.findall(source)}
