"""What was measured, as tables: the same text for the terminal and for RESULTS.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Target:
    """A row of the targets. `held` is None for what was not measured, or is shown but not judged."""

    name: str
    what: str
    target: str
    measured: str
    held: bool | None

    def cells(self) -> tuple[str, ...]:
        word = {True: "held", False: "NOT HELD", None: "" if self.measured else "not measured"}[self.held]
        return self.name, self.what, self.target, self.measured, word


@dataclass
class Report:
    """All that a run of the benchmarks says."""

    targets: list[Target] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)

    def add(self, title: str, header: Sequence[str], rows: Iterable[Sequence[str]], *notes: str) -> None:
        """Adds a table of its own, with sentences below it."""
        self.sections.append("\n".join([f"## {title}", "", table(header, rows), *(f"\n{n}" for n in notes)]))

    def text(self) -> str:
        header = ("", "what", "target", "measured", "")
        targets = table(header, [target.cells() for target in self.targets])
        return "\n\n".join(["## Targets", targets, *self.sections])


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, its columns aligned for those who read it as it is."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    written = [
        "| " + " | ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([written[0], rule, *written[1:]])
