"""How the browser of these tests is started."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from tests.browsing.chromium import WITHOUT

SWITCH = "--disable-features="


def test_what_playwright_switches_off_stays_off(browser: Browser) -> None:
    """Chromium heeds the last of these switches only: ours."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    [pid] = [process["id"] for process in processes if process["type"] == "browser"]
    command_line = Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ").split()
    features = [arg.removeprefix(SWITCH).split(",") for arg in command_line if arg.startswith(SWITCH)]
    assert len(features) == 2
    assert set(features[0]) <= set(features[1])
    assert tuple(features[1]) == WITHOUT


def test_a_context_loads_no_page_of_the_browser_itself(browser: Browser) -> None:
    page = browser.new_context().new_page()
    page.goto("data:text/html,<p>Here</p>")
    session = browser.new_browser_cdp_session()
    pages = session.send("Target.getTargets", {"filter": [{}]})["targetInfos"]
    assert [each["url"] for each in pages if each["url"].startswith("chrome:")] == []
    page.context.close()
