"""An account as a client of its provider (RFC 6749, section 1.1), and what it is granted."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from webapp.destinations import Service
from webapp.store.statuses import OAuthWay


@dataclass(frozen=True)
class OAuthClient:
    """An account as it is needed to ask for tokens, its secrets opened."""

    way: OAuthWay
    token_url: str
    scope: str
    client_id: str
    mailbox: str
    secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    own_services: tuple[Service, ...] = ()

    @property
    def host(self) -> str:
        """Who gives the tokens, as people are told."""
        return urlsplit(self.token_url).hostname or self.token_url


@dataclass(frozen=True)
class GrantedToken:
    """A token. `refresh_token`: the one that counts from now on, empty if there is none."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
