"""What a run of the benchmarks is told."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

PARTS = ("send", "slow", "sets", "lists")


@dataclass(frozen=True)
class Options:
    """`messages` are those of a round of Mailrun; `connections` those of its mail server, over all
    workers."""

    only: tuple[str, ...]
    quick: bool
    rounds: int
    messages: int
    connections: tuple[int, ...]
    workers: tuple[int, ...]
    databases: tuple[str, ...]
    peers: bool
    profile: bool


def parse(arguments: list[str] | None = None) -> Options:
    """Reads the command line; exits with words for what cannot be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--only", default=",".join(PARTS), help=f"parts: {', '.join(PARTS)}")
    add(
        "--quick",
        action="store_true",
        help="a twentieth of the work: shows that it runs, and orders of magnitude",
    )
    add("--rounds", type=int, help="how often each is measured (5; quick: 2)")
    add("--messages", type=int, help="messages of a run of Mailrun (5,000; quick: 1,000)")
    add("--connections", default="4,8,16", help="max_connections of the mail server, such as 4 or 1,2,4,8")
    add("--workers", default="1,2", help="worker processes, such as 2 or 1,2")
    add("--databases", default="sqlite,postgresql")
    add("--no-peers", action="store_true", help="only B-plain and Mailrun")
    add(
        "--profile",
        action="store_true",
        help="workers under cProfile: where their CPU time goes (they are slower)",
    )
    given = parser.parse_args(arguments)
    only = tuple(part for part in given.only.replace(",", " ").split())
    if unknown := set(only) - set(PARTS):
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return Options(
        only=only,
        quick=given.quick,
        rounds=given.rounds or (2 if given.quick else 5),
        messages=given.messages or (1_000 if given.quick else 5_000),
        connections=_numbers(given.connections),
        workers=_numbers(given.workers),
        databases=tuple(given.databases.replace(",", " ").split()),
        peers=not given.no_peers,
        profile=given.profile,
    )


def _numbers(given: str) -> tuple[int, ...]:
    return tuple(int(word) for word in given.replace(",", " ").split())
