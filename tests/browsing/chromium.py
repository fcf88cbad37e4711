"""The browser of this machine: whichever Chromium the system has. None is ever downloaded."""

from __future__ import annotations

import os
import shutil
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WITHOUT = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
    *("AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync"),
    *("DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay"),
    *("MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch"),
    *("TcpPortRandomizationWin", "ThirdPartyStoragePartitioning"),
    *("msEdgeUpdateLaunchServicesPreferredVersion", "msForceBrowserSignIn"),
)
"""The features that are switched off. Without the first two, the popups of the address bar, every new context
would load two pages that no test sees, which takes more time than the context itself. The others are
Playwright's own (test_chromium.py): Chromium heeds the last `--disable-features` only."""

INSTALL = "No Chromium was found. Install one (Debian, Ubuntu: apt-get install chromium)."


def find() -> str:
    """Where it is; empty if there is none."""
    return next(filter(None, map(shutil.which, NAMES)), "")


def launch_options() -> dict[str, Any]:
    """How it is started. Root, as in most containers, has no sandbox of Chromium's to be in."""
    args = ["--no-sandbox"] if os.geteuid() == 0 else []
    args += ["--disable-dev-shm-usage", "--disable-gpu", f"--disable-features={','.join(WITHOUT)}"]
    return {"executable_path": find(), "args": args}
