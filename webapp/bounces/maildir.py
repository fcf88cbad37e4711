"""A mailbox that is a Maildir: a folder of this machine into which a mail server delivers. What has been read
is moved to a folder below it, as Maildir++ names it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from webapp.bounces.mailboxes import MailboxAddress, MailboxTrouble, OpenMailbox
from webapp.bounces.receiving import RAW_MAX
from webapp.smtp.client import describe
from webapp.translation import N_

NO_MAILDIR = N_("“%(path)s” is no Maildir: it has no folders “new” and “cur”")


class MaildirMailbox(OpenMailbox):
    """A Maildir of this machine."""

    def __init__(self, address: MailboxAddress) -> None:
        self.path = Path(address.folder)
        self.done = self.path / f".{address.done_folder.replace('/', '.').replace('.', '_')}"
        if not self.path.is_absolute() or not all((self.path / name).is_dir() for name in ("new", "cur")):
            raise MailboxTrouble(NO_MAILDIR % {"path": address.folder})

    def count(self) -> int:
        """How many mails are there."""
        return sum(1 for _ in self._files())

    def mails(self) -> Iterator[tuple[str, bytes]]:
        """Each mail by its path below the Maildir; of a large one its beginning."""
        for path in list(self._files()):
            try:
                with path.open("rb") as file:
                    yield str(path.relative_to(self.path)), file.read(RAW_MAX)
            except FileNotFoundError:
                continue  # another reader has put it away meanwhile
            except OSError as error:
                raise MailboxTrouble(describe(error)) from None

    def put_away(self, known_by: str) -> None:
        """Move the file."""
        try:
            for name in ("tmp", "new", "cur"):
                (self.done / name).mkdir(parents=True, exist_ok=True)
            name = Path(known_by).name.partition(":")[0]
            os.rename(self.path / known_by, self.done / "cur" / f"{name}:2,S")
        except FileNotFoundError:
            return
        except OSError as error:
            raise MailboxTrouble(describe(error)) from None

    def close(self) -> None:
        """Nothing is open."""

    def _files(self) -> Iterator[Path]:
        """The mails: files, and no links, which could lead anywhere."""
        for folder in ("new", "cur"):
            for entry in sorted(os.scandir(self.path / folder), key=lambda each: each.name):
                if stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode) and entry.name[0] != ".":
                    yield Path(entry.path)
