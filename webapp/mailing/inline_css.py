"""CSS for mail clients: many of them ignore `<style>`, so its rules are written into each element."""

from __future__ import annotations

import re
from functools import lru_cache

import css_inline

HAS_STYLE = re.compile(r"<style[\s>]", re.I)


def with_styles(html: str) -> str:
    """The HTML with the rules of its `<style>` in `style` attributes. What cannot be written there (media
    queries) stays. Nothing is loaded from the web. HTML without a `<style>` stays as it is."""
    return _inliner().inline(html) if HAS_STYLE.search(html) else html


@lru_cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)
