"""`mailrun import FOLDER`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import click
from flask.cli import with_appcontext

from webapp import example_folder, migrations, notation
from webapp.console import say
from webapp.documents import document_checks, findings
from webapp.extensions import Runtime, runtime
from webapp.file_styles import FileStyle
from webapp.imports.folder import ROWS_TOLD, Imported, import_folder
from webapp.imports.problems import ImportRefused
from webapp.progress import ReportProgress, silent
from webapp.translation import _, ngettext, translated

FINE = 1000
"""Steps of the bar."""


@click.command("import")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check everything and say what would change; store nothing.")
@click.option(
    "--allow-removals",
    type=click.IntRange(min=0),
    metavar="N",
    help="Let up to N addresses and documents be taken away that the folder no longer has.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write every row that is new, changed, removed or kept into this file.",
)
@click.option("--delimiter", default="", help="What stands between the columns; found out otherwise.")
@click.option("--encoding", default="", metavar="NAME", help="How the CSV files are encoded, such as cp1252.")
@click.option(
    "--locale",
    default="",
    metavar="NAME",
    help="Whose dates and amounts they have, such as nl for 31-10-2026 and 1.234,50.",
)
@click.option(
    "--example", is_flag=True, help="Write a small example into FOLDER instead, and import nothing."
)
@with_appcontext
def import_command(
    folder: Path,
    dry_run: bool,
    allow_removals: int | None,
    report: Path | None,
    example: bool,
    **written: str,
) -> None:
    """Imports a FOLDER of CSV files, documents and a messaging.toml: all of it, or nothing."""
    if example:
        _write_example(folder)
        return
    parts, style = runtime(), _style(**written)
    has, needs = migrations.versions(parts.database)
    if has != needs:
        raise click.ClickException(_("the database is not set up for this version; run: mailrun init"))
    try:
        with _bar() as progress:
            done = import_folder(
                parts.database,
                parts.documents,
                folder,
                dry_run=dry_run,
                report=progress,
                bcc_domains=parts.settings.bcc_domains,
                own_services=parts.settings.own_services,
                allowed_removals=allow_removals,
                rows_max=ROWS_TOLD if report is None else None,
                style=style,
                locks_tables=True,
            )
    except ImportRefused as refused:
        click.echo(str(refused), err=True)
        errors = ngettext("%(num)s error", "%(num)s errors", refused.total)
        click.echo(_("Nothing was imported: %(errors)s.", errors=errors), err=True)
        sys.exit(1)
    _tell(done, report)
    if done.refusal:
        click.echo(_("An import would be refused: %(refusal)s.", refusal=done.refusal), err=True)
        sys.exit(1)
    if not dry_run:
        _check_documents(parts)


def _write_example(folder: Path) -> None:
    try:
        example_folder.write(folder)
    except FileExistsError:
        raise click.ClickException(
            _("%(folder)s is not empty; name a folder that is, or that is not there yet", folder=folder)
        ) from None
    except OSError as problem:
        raise click.ClickException(f"{folder}: {problem.strerror}") from None
    click.echo(_("An example is in %(folder)s. Try it: mailrun import %(folder)s --dry-run", folder=folder))


def _style(delimiter: str, encoding: str, locale: str) -> FileStyle:
    try:
        return FileStyle(delimiter.replace("\\t", "\t"), encoding, locale)
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None


def _tell(done: Imported, report: Path | None) -> None:
    """Print the counts, the rows behind them, and what may be a mistake; with `report`, all rows go there."""
    click.echo(table(done))
    if report is None:
        for line in rows_told(done):
            click.echo(line)
    else:
        report.write_text("".join(f"{row}\n" for row in done.rows), encoding="utf-8")
        click.echo(_("Every row: %(report)s", report=report))
    for warning in done.warnings:
        click.echo(_("Warning: %(warning)s", warning=warning), err=True)


def rows_told(done: Imported) -> Iterator[str]:
    """The rows that are new, changed, removed or kept, as lines: ROWS_TOLD of each kind and file, and how
    many more there are."""
    for (words, kind), rows in groupby(done.rows, key=lambda row: (row.words, row.kind)):
        told = list(rows)
        yield from map(str, told)
        if (left := getattr(done.counts[words], kind.replace(" ", "_")) - len(told)) > 0:
            yield _("  and %(left)s more; --report FILE writes every row", left=notation.number(left))


def _check_documents(parts: Runtime) -> None:
    """Report documents that do not name their invoice, while the person who made them is still there. If this
    is cut short, the runs that include the rest check them."""
    with parts.database.reading() as session:
        waiting = findings.count_unchecked(session)
    if not waiting:
        return
    with _counting(_("Checking documents"), waiting) as done:
        try:
            found = document_checks.check(parts.database, parts.documents, done=done)
        except OSError as problem:
            why = problem.strerror or problem
            click.echo(
                _(
                    "Everything was imported. The documents could not all be checked: %(why)s. The runs that "
                    "take the rest check it.",
                    why=why,
                ),
                err=True,
            )
            return
    click.echo(
        _(
            "Checked %(documents)s documents; suspect: %(suspect)s",
            documents=notation.number(found.documents),
            suspect=notation.number(found.suspect),
        )
    )
    if found.suspect:
        with parts.database.reading() as session:
            listed = findings.suspects(session, min(found.suspect, MOST_LISTED))
        for number, document in listed:
            say(f"  {number}: {document.file_name} {findings.said(document)}")
        if found.suspect > len(listed):
            click.echo("  …")
        click.echo(_("Mails with such a document are held (suspect_document) until a person releases it."))


MOST_LISTED = 20


def table(done: Imported) -> str:
    """The counts, as text in columns, with one sentence about what they mean."""
    if not done.changed_anything:
        summary = _("Nothing to change: everything in this folder is stored already.")
    elif done.dry_run:
        summary = _("Nothing was stored (dry run). An import would do this:")
    else:
        summary = _("Imported:")
    wide = max(len(translated(words)) for words in done.counts)
    heads = [_("new"), _("changed"), _("unchanged"), _("removed")]
    stayed = any(counts.kept or counts.kept_removed for counts in done.counts.values())
    heads += [_("kept")] if stayed else []
    rows = [f"{'':{wide}}  {'  '.join(f'{head:>9}' for head in heads)}"]
    for words, counts in done.counts.items():
        figures = [counts.new, counts.changed, counts.unchanged, counts.removed]
        figures += [counts.kept + counts.kept_removed] if stayed else []
        rows.append(
            f"{translated(words):{wide}}  {'  '.join(f'{notation.number(figure):>9}' for figure in figures)}"
        )
    return "\n".join([summary, *rows])


@contextmanager
def _counting(label: str, of: int) -> Iterator[Callable[[int], None]]:
    """A progress bar up to this number, on a terminal."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    with click.progressbar(length=of, file=sys.stderr, label=label) as bar:
        yield lambda count: bar.update(count - bar.pos)


@contextmanager
def _bar() -> Iterator[ReportProgress]:
    """A progress bar on a terminal; none elsewhere."""
    if not sys.stderr.isatty():
        yield silent
        return
    with click.progressbar(length=FINE, file=sys.stderr, label=_("Reading")) as bar:

        def report(step: str, share: float) -> None:
            bar.label = f"{translated(step):<9}"
            bar.update(max(0, int(share * FINE) - bar.pos))

        yield report
