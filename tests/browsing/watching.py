"""What a browser must never meet: an error in the console, a breach of the policy, another host, a 5xx."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError

TELL_BREACHES = """document.addEventListener('securitypolicyviolation', breach =>
  console.error(`policy: ${breach.violatedDirective} by ${breach.blockedURI} in ${breach.sourceFile}`))"""


@dataclass
class Watch:
    """Notes every fault of every page of the contexts that it is set over. What a test provokes on purpose
    it names beforehand."""

    address: str
    faults: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> None:
        context.add_init_script(TELL_BREACHES)
        context.on("console", self._said)
        context.on("weberror", self._raised)
        context.on("request", self._asked)
        context.on("response", self._answered)

    def expect(self, pattern: str) -> None:
        """A fault that this test provokes."""
        self.expected.append(pattern)

    def verify(self) -> None:
        """Fails the test if there was any fault."""
        unexpected = [
            fault for fault in self.faults if not any(re.search(each, fault) for each in self.expected)
        ]
        assert not unexpected, "\n".join(unexpected)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console {message.type}: {message.text} ({message.location.get('url')})")

    def _raised(self, error: WebError) -> None:
        self.faults.append(f"uncaught: {error.error}")

    def _asked(self, request: Request) -> None:
        inside = (self.address + "/", "data:", "blob:", "about:")
        if not request.url.startswith(inside):
            self.faults.append(f"asked another host: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.faults.append(f"{response.status}: {response.request.method} {response.url}")
