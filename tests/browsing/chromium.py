"""The browser of this machine: whichever Chromium the system has. None is ever downloaded."""

from __future__ import annotations

import os
import shutil
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL = "No Chromium was found. Install one (Debian, Ubuntu: apt-get install chromium)."


def find() -> str:
    """Where it is; empty if there is none."""
    return next(filter(None, map(shutil.which, NAMES)), "")


def launch_options() -> dict[str, Any]:
    """How it is started. Root, as in most containers, has no sandbox of Chromium's to be in."""
    args = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {"executable_path": find(), "args": [*args, "--disable-dev-shm-usage", "--disable-gpu"]}
