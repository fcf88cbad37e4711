"""What is known of the providers: their addresses, scopes and limits (docs/oauth.md has the sources)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from webapp.store.statuses import OAuthProvider, OAuthWay, Security

LABELS = {
    OAuthProvider.MICROSOFT: "Microsoft 365",
    OAuthProvider.GOOGLE: "Google Workspace",
}
"""Names of products: the same in every language."""
MICROSOFT = "https://login.microsoftonline.com"


@dataclass(frozen=True)
class Endpoints:
    """Where tokens, consent and device codes are to be had; empty: not there."""

    token_url: str
    authorize_url: str = ""
    device_url: str = ""


@dataclass(frozen=True)
class ProviderPreset:
    """`ways`: how tokens are got, with the scope of each; the first is the usual one. `hosts`: where the
    tokens may go. The limits are those of one mailbox; 0: the provider names none."""

    ways: Mapping[OAuthWay, str]
    hosts: tuple[str, ...]
    host: str
    port: int
    security: Security
    rate_per_minute: int
    recipients_per_day: int
    max_connections: int


PRESETS = {
    OAuthProvider.MICROSOFT: ProviderPreset(
        ways={
            OAuthWay.CLIENT_CREDENTIALS: "https://outlook.office365.com/.default",
            OAuthWay.DELEGATED: "offline_access https://outlook.office.com/SMTP.Send",
        },
        hosts=("smtp.office365.com", "outlook.office365.com"),
        host="smtp.office365.com",
        port=587,
        security=Security.STARTTLS,
        rate_per_minute=30,
        recipients_per_day=10_000,
        max_connections=3,
    ),
    OAuthProvider.GOOGLE: ProviderPreset(
        ways={
            OAuthWay.SERVICE_ACCOUNT: "https://mail.google.com/",
            OAuthWay.DELEGATED: "https://mail.google.com/",
        },
        hosts=("smtp.gmail.com", "imap.gmail.com"),
        host="smtp.gmail.com",
        port=587,
        security=Security.STARTTLS,
        rate_per_minute=0,
        recipients_per_day=2_000,
        max_connections=3,
    ),
}
OTHER_WAYS = {OAuthWay.CLIENT_CREDENTIALS: "", OAuthWay.DELEGATED: ""}


def ways_of(provider: OAuthProvider) -> Mapping[OAuthWay, str]:
    """How tokens of this provider are got, with the usual scope of each."""
    return PRESETS[provider].ways if provider in PRESETS else OTHER_WAYS


def endpoints_of(provider: OAuthProvider, tenant: str) -> Endpoints:
    """The addresses of a provider whose addresses are known."""
    if provider == OAuthProvider.GOOGLE:  # its device flow has no scope for mail
        return Endpoints(
            "https://oauth2.googleapis.com/token", "https://accounts.google.com/o/oauth2/v2/auth"
        )
    base = f"{MICROSOFT}/{quote(tenant, safe='')}/oauth2/v2.0"
    return Endpoints(f"{base}/token", f"{base}/authorize", f"{base}/devicecode")
