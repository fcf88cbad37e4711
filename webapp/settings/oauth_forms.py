"""The form of an OAuth account, on the page of the mail server that it is for."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from wtforms import DateField, RadioField, StringField, TextAreaField
from wtforms.validators import Length, Optional, ValidationError

from webapp.definitions.forms import Filled
from webapp.login_settings import is_safe
from webapp.oauth.exchange import private_key
from webapp.oauth.providers import LABELS, endpoints_of, ways_of
from webapp.store.mailservers import OAuthAccount
from webapp.store.statuses import OAuthProvider, OAuthWay
from webapp.translation import N_, _, translated

WAY_WORDS = {
    OAuthWay.CLIENT_CREDENTIALS: N_("As an application of your company: no one logs in"),
    OAuthWay.DELEGATED: N_("For one mailbox: its owner allows it once, in the browser"),
    OAuthWay.SERVICE_ACCOUNT: N_("By a service account that may send for the domain"),
}
PLACES: dict[OAuthProvider, dict[str, str]] = {
    OAuthProvider.MICROSOFT: {
        "tenant": N_(
            "At entra.microsoft.com: App registrations, your application, Overview, “Directory (tenant) ID”."
        ),
        "client_id": N_("On the same page: “Application (client) ID”."),
        "secret": N_("There under Certificates & secrets, Client secrets: “Value”, not “Secret ID”."),
        "secret_ends_on": N_("In the same list: “Expires”."),
        "scope": N_("What API permissions must grant. Empty: the usual one."),
        "back": N_("Enter it there under Authentication, Add a platform, Web, “Redirect URIs”."),
    },
    OAuthProvider.GOOGLE: {
        "client_id": N_(
            "At console.cloud.google.com: APIs & Services, Credentials, OAuth 2.0 Client IDs. The key of a "
            "service account has it already: leave it empty."
        ),
        "secret": N_(
            "There beside the client ID; or IAM & Admin, Service Accounts, Keys, Add key, JSON: the whole "
            "file."
        ),
        "scope": N_(
            "At admin.google.com: Security, API controls, Domain-wide delegation must name it. Empty: the "
            "usual one."
        ),
        "back": N_("Enter it there under Credentials, your client, “Authorized redirect URIs”."),
    },
    OAuthProvider.OTHER: {"scope": N_("Empty: the usual one.")},
}
"""Where what a field asks for stands in the console of the provider; the menus are called as there, in
English. `back`: where the address to come back to is entered."""
SECRET_MAX = 20_000
TOO_LONG = N_("This is too long.")
SAFE = N_("Enter an address that begins with https://.")


def _text(label: str, most: int = 255) -> StringField:
    return StringField(label, validators=[Length(max=most, message=TOO_LONG)])


class OAuthForm(Filled):
    """An account of this provider. `secret`: empty keeps the stored one."""

    way = RadioField(N_("How Mailrun gets its tokens"))
    tenant = _text(N_("Tenant"))
    token_url = _text(N_("Token address"), 1000)
    authorize_url = _text(N_("Authorization address"), 1000)
    device_url = _text(N_("Device code address"), 1000)
    client_id = _text(N_("Client ID"))
    secret = TextAreaField(N_("Client secret"), validators=[Length(max=SECRET_MAX, message=TOO_LONG)])
    secret_ends_on = DateField(N_("The secret ends on"), validators=[Optional()])
    mailbox = _text(N_("Mailbox"))
    scope = _text(N_("Scope"), 1000)

    def __init__(self, provider: OAuthProvider, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.provider, self.ways, self.places = provider, ways_of(provider), PLACES[provider]
        self.way.choices = [(str(way), translated(WAY_WORDS[way])) for way in self.ways]
        if not self.way.data:
            self.way.data = str(next(iter(self.ways)))
        if provider == OAuthProvider.GOOGLE:
            self.secret.label.text = N_("Client secret, or the key of the service account (JSON)")

    def validate(self, extra_validators: Any = None) -> bool:
        """Take out blanks, and read the key file of a service account, before each field is looked at."""
        for field in self:
            if isinstance(field, StringField) and isinstance(field.data, str):
                field.data = field.data.strip()
        if self.way.data == OAuthWay.SERVICE_ACCOUNT and (self.secret.data or "").startswith("{"):
            self._read_key_file()
        return bool(super().validate(extra_validators))  # type: ignore[no-untyped-call]

    def _read_key_file(self) -> None:
        try:
            said = json.loads(self.secret.data or "")
        except (ValueError, RecursionError):
            return
        if isinstance(said, dict):
            self.secret.data = str(said.get("private_key") or "")
            self.client_id.data = str(said.get("client_email") or self.client_id.data or "")[:255]

    def validate_tenant(self, field: StringField) -> None:
        if self.provider == OAuthProvider.MICROSOFT and not field.data:
            raise ValidationError(_("Enter the tenant: its ID, or one of its domains."))

    def validate_token_url(self, field: StringField) -> None:
        if self.provider == OAuthProvider.OTHER and not is_safe(field.data):
            raise ValidationError(_(SAFE))

    def validate_authorize_url(self, field: StringField) -> None:
        if field.data and not is_safe(field.data):
            raise ValidationError(_(SAFE))

    def validate_device_url(self, field: StringField) -> None:
        self.validate_authorize_url(field)

    def validate_client_id(self, field: StringField) -> None:
        if not field.data or not field.data.isprintable():
            raise ValidationError(_("Enter the client ID that the provider shows."))

    def validate_mailbox(self, field: StringField) -> None:
        if not field.data or not field.data.isprintable():
            raise ValidationError(_("Enter the mailbox that mails are sent from."))

    def validate_secret(self, field: TextAreaField) -> None:
        if self.way.data == OAuthWay.SERVICE_ACCOUNT and field.data and private_key(field.data) is None:
            raise ValidationError(_("Enter the JSON key of the service account, or its private key in PEM."))

    def values(self) -> dict[str, Any]:
        """What was filled in, as it is stored; once the form has been found valid."""
        way = OAuthWay(self.way.data)
        tenant = self.tenant.data or ""
        given = {name: self[name].data or "" for name in ("token_url", "authorize_url", "device_url")}
        if self.provider != OAuthProvider.OTHER:
            ends = endpoints_of(self.provider, tenant)
            given = {
                "token_url": ends.token_url,
                "authorize_url": ends.authorize_url,
                "device_url": ends.device_url,
            }
        ends_on: date | None = self.secret_ends_on.data
        return {
            **given,
            "provider": str(self.provider),
            "way": str(way),
            "tenant": tenant,
            "client_id": self.client_id.data,
            "mailbox": self.mailbox.data,
            "scope": self.scope.data or self.ways[way],
            "secret_ends_on": ends_on,
        }


def form_of(account: OAuthAccount) -> OAuthForm:
    """The form as the account fills it: without its secret, and the scope only if it is not the usual one."""
    names = ("way", "tenant", "token_url", "authorize_url", "device_url", "client_id", "mailbox")
    stored = {name: getattr(account, name) for name in (*names, "secret_ends_on")}
    provider = OAuthProvider(account.provider)
    usual = ways_of(provider)[OAuthWay(account.way)]
    scope = "" if account.scope == usual else account.scope
    return OAuthForm(provider, **stored, scope=scope)


def provider_words(provider: OAuthProvider) -> str:
    """What the provider is called."""
    return LABELS.get(provider) or _("another provider")
