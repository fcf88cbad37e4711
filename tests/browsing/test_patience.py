"""How these tests use a page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser, expect

from tests.browsing.reader import Data

FORM = (
    "<title>Not yet</title><form><input><button>Save</button></form><script type=module src=slow.js></script>"
)
SCRIPT = """document.forms[0].addEventListener('submit', event => {
  event.preventDefault(); document.title = 'Heard'; })"""
PAGES = {
    "/": ("text/html", "<a href=/form>There</a>"),
    "/form": ("text/html", FORM),
    "/slow.js": ("text/javascript", SCRIPT),
}


class Slow(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind, text = PAGES.get(self.path, ("text/plain", ""))
        if "slow" in self.path:
            time.sleep(0.7)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_press_waits_for_the_scripts_of_a_page_that_a_click_led_to(browser: Browser, address: str) -> None:
    page = browser.new_context().new_page()
    page.goto(address)
    page.get_by_role("link", name=Data("There")).click()
    page.get_by_role("textbox").fill("Marit")
    page.get_by_role("button", name=Data("Save")).click()
    expect(page).to_have_title("Heard", timeout=2000)
    page.context.close()
