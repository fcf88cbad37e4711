"""What each application compiles for itself (templates of pages, rules of addresses, SQL), compiled once for
all applications of a test process: it took a third of the tests' processor time.

The code under test is the same: only what a second application would compile to the very same is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.templating import Environment
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import URL
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from webapp.store import engine_events

STATEMENTS_MAX = 5000


class Compiled(BytecodeCache):
    """Compiled templates in memory."""

    def __init__(self) -> None:
        self.code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.code:
            bucket.bytecode_from_string(self.code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.code[bucket.key] = bucket.bytecode_to_string()


@contextmanager
def compiled_once() -> Iterator[None]:
    """Within the block, all applications share what they compile."""
    with pytest.MonkeyPatch.context() as patch:
        _share_templates(patch)
        _share_rules(patch)
        _share_statements(patch)
        yield


def _share_templates(patch: pytest.MonkeyPatch) -> None:
    cache = Compiled()

    class Cached(Environment):
        def __init__(self, app: Flask, **options: Any) -> None:
            super().__init__(app, bytecode_cache=cache, **options)

    patch.setattr(Flask, "jinja_environment", Cached)


def _share_rules(patch: pytest.MonkeyPatch) -> None:
    """Werkzeug writes and compiles a function for each rule that builds its address; it depends on nothing
    but the rule."""
    compile_builder = Rule._compile_builder
    builders: dict[tuple[object, ...], Callable[..., tuple[str, str]]] = {}

    def compiled(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        defaults = tuple(sorted((rule.defaults or {}).items()))
        key = (tuple(rule._trace), defaults, append_unknown)
        if key not in builders:
            builders[key] = compile_builder(rule, append_unknown)
        return builders[key]

    patch.setattr(Rule, "_compile_builder", compiled)


def _share_statements(patch: pytest.MonkeyPatch) -> None:
    """SQLAlchemy keeps compiled statements by engine and dialect; every engine of ours has the same dialect
    of its kind."""
    options, cache = engine_events.options, LRUCache[Any, Any](STATEMENTS_MAX)

    def with_cache(url: URL) -> Mapping[str, Any]:
        return {**options(url), "execution_options": {"compiled_cache": cache}}

    patch.setattr(engine_events, "options", with_cache)
    patch.setattr(DefaultDialect, "__eq__", lambda one, other: type(one) is type(other))
    patch.setattr(DefaultDialect, "__hash__", lambda one: hash(type(one)))
