"""The only jobs that a worker runs: those of runs.py and imports.py, each with one number: of a run, or of an
upload.

A job is data in Redis, and names a function. RQ runs whatever it names, so a person who can write to the
Redis could run anything (https://python-rq.org/docs/#security-considerations)."""

from __future__ import annotations

from typing import Any

from rq.job import Job

from webapp.queue import DRAIN, GENERATE, IMPORT


class ForbiddenJob(Exception):
    """The queue held something else than a job of Mailrun's. It was not run."""


class RunJob(Job):
    """A job that calls one of our functions with one number, and nothing before or after it."""

    @property
    def func(self) -> Any:
        """The function to call. Raises ForbiddenJob for a job that is none of ours."""
        is_one_run = len(self.args) == 1 and type(self.args[0]) is int and not self.kwargs
        if self.func_name not in (DRAIN, GENERATE, IMPORT) or self.instance is not None or not is_one_run:
            raise ForbiddenJob(f"not run, since it is no job of Mailrun's: {self.func_name!r:.200}")
        return super().func

    @property
    def success_callback(self) -> None:
        """None: a callback is a function by its name, too."""

    @property
    def failure_callback(self) -> None:
        """None, as for success."""

    @property
    def stopped_callback(self) -> None:
        """None, as for success."""
