"""Supervises one Python script until it is asked to stop: `python -m tests.launch.supervise SCRIPT`."""

from __future__ import annotations

import sys

from webapp.launch.processes import Part
from webapp.launch.supervisor import AskedToStop, Supervisor


def main(script: str) -> None:
    supervisor = Supervisor()
    with supervisor.signals():
        try:
            supervisor.keep(Part("part", [sys.executable, "-c", script], grace=1.0))
            supervisor.wait(lambda: False)
        except AskedToStop:
            supervisor.stop()
            supervisor.say("all ended")


if __name__ == "__main__":
    main(sys.argv[1])
