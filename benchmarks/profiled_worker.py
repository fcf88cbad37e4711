"""`python -m benchmarks.profiled_worker FOLDER`: a worker that writes down where its CPU time goes, thread by
thread: one file per process. It is slower than a worker; look at the shares."""

from __future__ import annotations

import cProfile
import os
import pstats
import sys
import threading
import time
from pathlib import Path

from jobs import worker


def main(folder: Path) -> None:
    """Works until it is told to stop, then writes the profile."""
    profiles: list[cProfile.Profile] = []
    plainly = threading.Thread.run

    def profiled(thread: threading.Thread) -> None:
        profiles.append(profile := cProfile.Profile(time.thread_time))
        profile.runcall(plainly, thread)

    threading.Thread.run = profiled  # type: ignore[method-assign, assignment]
    profiles.append(profile := cProfile.Profile(time.thread_time))
    profile.runcall(worker.main)
    stats = pstats.Stats(profiles[0])
    for each in profiles[1:]:
        stats.add(each)
    stats.dump_stats(folder / f"{os.getpid()}.profile")


def report(folder: Path, lines: int = 40) -> None:
    """Prints what all workers together spent their time on."""
    files = [str(path) for path in folder.glob("*.profile")]
    if files:
        stats = pstats.Stats(*files)
        stats.sort_stats("cumtime").print_stats("(webapp|jobs)/", lines)
        stats.strip_dirs().sort_stats("tottime").print_stats(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
