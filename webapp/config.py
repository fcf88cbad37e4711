"""Every setting, read once from the environment and `.env` (docs/settings.md has the table)."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from webapp.errors import SettingError
from webapp.login_settings import LoginSettings, load_logins
from webapp.privacy_settings import PrivacySettings, load_privacy
from webapp.secret_key import former_keys, given_key, own_key
from webapp.translation import _


@dataclass(frozen=True)
class Settings:
    """Durations are seconds, but `keep_mails` and `keep_audit` are days (0: forever). `time_scale` was
    applied to retries, the sweep and the daily clean-up, not to SMTP waits or the lease. `dotenv`: what
    `.env` holds, for the passwords of mail servers."""

    home: Path
    database_url: str
    redis_url: str
    store_url: str
    secret_key: str
    former_keys: tuple[str, ...]
    host: str
    port: int
    workers: int
    catcher_port: int
    redirect_to: str
    smtp_timeout: float
    smtp_data_timeout: float
    confirm_above: int
    lease: float
    retry_first: float
    retry_last: float
    give_up: float
    sweep_every: float
    trouble_first: float
    trouble_last: float
    trial_after: float
    refusals_to_stop: int
    unverified_hosts: tuple[str, ...]
    bcc_domains: tuple[str, ...]
    keep_mails: float
    keep_audit: float
    tidy_every: float
    proxies: int
    hosts: tuple[str, ...]
    logins: LoginSettings
    privacy: PrivacySettings
    ehlo_name: str
    import_folder: Path
    import_bytes_max: int
    import_files_max: int
    dotenv: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def beat_every(self) -> float:
        """Seconds between two heartbeats of a worker: ten in a lease."""
        return max(0.2, self.lease / 10)

    @property
    def own_services(self) -> tuple[tuple[str, int], ...]:
        """Host and port of what belongs to Mailrun itself: its pages, its Redis, its database. None of these
        is a mail server."""
        urls = [make_url(url) for url in (self.redis_url, self.database_url) if url]
        ports = {"redis": 6379, "rediss": 6379, "postgresql+psycopg": 5432}
        others = [(url.host, url.port or ports.get(url.drivername, 0)) for url in urls if url.host]
        return ((self.host, self.port), *others)


SCALED_SECONDS_MIN = 0.5
"""The shortest scaled pause."""
SECONDS_MAX = 365 * 86400.0
"""The longest duration: what is added to a date must still be one."""
KEPT_DAYS_MAX = 36_500
LAST_PORT = 65_535
"""The resolver would quietly take a larger number modulo 65,536."""


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; create the home folder and its secret key if they are missing. Raises SettingError
    for a value that cannot be used."""
    dotenv = {name: value or "" for name, value in dotenv_values(".env").items()} if environ is None else {}
    environ = {**dotenv, **os.environ} if environ is None else environ
    home = _home(environ)
    scale = _number(environ, "MAILRUN_TIME_SCALE", 1, least=1e-6)

    def scaled(seconds: float) -> float:
        return max(SCALED_SECONDS_MIN, seconds / scale)

    return Settings(
        home=home,
        database_url=_database_url(environ.get("MAILRUN_DATABASE_URL", ""), home),
        redis_url=_redis_url(environ.get("MAILRUN_REDIS_URL", ""), home),
        store_url=environ.get("MAILRUN_STORE_URL") or str(home / "documents"),
        secret_key=given_key(environ) or own_key(home / "secret_key"),
        former_keys=former_keys(environ, home / "secret_key_old"),
        host=environ.get("MAILRUN_HOST") or "127.0.0.1",
        port=_whole(environ, "MAILRUN_PORT", 8000, most=LAST_PORT),
        workers=_whole(environ, "MAILRUN_WORKERS", os.cpu_count() or 1, least=1, most=1_000),
        catcher_port=_whole(environ, "MAILRUN_CATCHER_PORT", 2525, most=LAST_PORT),
        redirect_to=_address(environ, "MAILRUN_REDIRECT_TO"),
        smtp_timeout=_number(environ, "MAILRUN_SMTP_TIMEOUT", 60, least=0.01),
        smtp_data_timeout=_number(environ, "MAILRUN_SMTP_DATA_TIMEOUT", 600, least=0.01),
        confirm_above=_whole(environ, "MAILRUN_CONFIRM_ABOVE", 100),
        lease=_number(environ, "MAILRUN_LEASE", 30, least=0.5),
        retry_first=scaled(_number(environ, "MAILRUN_RETRY_FIRST", 300, least=0)),
        retry_last=scaled(_number(environ, "MAILRUN_RETRY_LAST", 4000, least=0)),
        give_up=scaled(_number(environ, "MAILRUN_GIVE_UP", 172800, least=0)),
        sweep_every=scaled(5),
        trouble_first=scaled(5),
        trouble_last=scaled(300),
        trial_after=scaled(30),
        refusals_to_stop=_whole(environ, "MAILRUN_REFUSALS_TO_STOP", 20),
        unverified_hosts=_words(environ, "MAILRUN_UNVERIFIED_HOSTS"),
        bcc_domains=_domains(environ, "MAILRUN_BCC_DOMAINS"),
        keep_mails=_number(environ, "MAILRUN_KEEP_MAILS", 3650, least=0, most=KEPT_DAYS_MAX),
        keep_audit=_number(environ, "MAILRUN_KEEP_AUDIT", 0, least=0, most=KEPT_DAYS_MAX),
        tidy_every=scaled(86400),
        hosts=_words(environ, "MAILRUN_HOSTS"),
        logins=load_logins(environ),
        privacy=load_privacy(environ),
        proxies=_whole(environ, "MAILRUN_PROXIES", 0, most=10),
        ehlo_name=_ehlo_name(environ),
        import_folder=Path(environ.get("MAILRUN_IMPORT_FOLDER") or home / "imports").absolute(),
        import_bytes_max=_whole(environ, "MAILRUN_IMPORT_MEGABYTES", 2_000, least=1) * 1_000_000,
        import_files_max=_whole(environ, "MAILRUN_IMPORT_FILES", 200_000, least=1),
        dotenv=dotenv,
    )


def _home(environ: Mapping[str, str]) -> Path:
    """The home folder, made if it is missing."""
    home = Path(environ.get("MAILRUN_HOME") or "instance").absolute()
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as problem:
        raise _wrong("MAILRUN_HOME", home, _("it cannot be made: %(why)s", why=problem.strerror)) from None
    return home


def _words(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Names, in lower case, between commas or spaces."""
    return tuple(environ.get(name, "").replace(",", " ").lower().split())


def _domains(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Names of domains. Mailrun must not start with one that cannot exist: it would only ever refuse."""
    given = _words(environ, name)
    for domain in given:
        if not re.fullmatch(r"[\w.-]+", domain):
            raise SettingError(
                _(
                    "%(name)s has %(value)s; it must be names of domains, such as example.com",
                    name=name,
                    value=repr(domain),
                )
            )
    return given


def _address(environ: Mapping[str, str], name: str) -> str:
    """A mail address, or nothing. Safe mode must not start with an address that cannot work."""
    given = environ.get(name, "").strip()
    if given and not re.fullmatch(r"[!-?A-~]+@[A-Za-z0-9.-]+", given):
        raise _wrong(name, repr(given), _("it must be one mail address"))
    return given


def _ehlo_name(environ: Mapping[str, str]) -> str:
    """Our name in EHLO; empty: this machine's. Strict servers refuse every mail over a wrong one."""
    given = environ.get("MAILRUN_EHLO_NAME", "").strip()
    if given and not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+|\[[0-9A-Fa-f.:IPv]+\]", given):
        rule = _(
            "it must be a host name, such as mail.example.com, or an address in brackets, such as [192.0.2.1]"
        )
        raise _wrong("MAILRUN_EHLO_NAME", repr(given), rule)
    return given


def embedded_redis_socket(home: Path) -> Path:
    """Where the Redis of `mailrun up` listens: in the home or, since the path of a socket may have no more
    than 107 bytes, under a name made from the home in the system's temporary folder."""
    socket = home / "redis" / "redis.sock"
    if len(os.fsencode(socket)) < 100:
        return socket
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"mailrun-{os.getuid()}-{name}" / "redis.sock"


def _redis_url(given: str, home: Path) -> str:
    """An address of a Redis, empty for none ("none" says so); unset is the embedded one, which may not be
    running."""
    if given == "none":
        return ""
    if given and not given.startswith(("redis://", "rediss://", "unix://")):
        rule = _("it must begin with redis://, rediss:// or unix://")
        raise _wrong("MAILRUN_REDIS_URL", repr(given), rule)
    return given or f"unix://{embedded_redis_socket(home)}"


def _database_url(given: str, home: Path) -> str:
    """An address of a database that Mailrun can work with; unset is an SQLite file in the home."""
    url = given or f"sqlite:///{home / 'mailrun.sqlite3'}"
    try:
        kind = make_url(url).drivername
    except ArgumentError:
        kind = ""
    if kind not in ("sqlite", "postgresql+psycopg"):
        raise SettingError(
            _(
                "MAILRUN_DATABASE_URL must begin with sqlite:/// and the path of a file, or with "
                "postgresql+psycopg:// and the address of a server"
            )
        )
    return url


def _number(
    environ: Mapping[str, str], name: str, default: float, *, least: float, most: float = SECONDS_MAX
) -> float:
    given = environ.get(name) or str(default)
    try:
        value = float(given)
    except ValueError:
        raise _wrong(name, repr(given), _("it must be a number")) from None
    if not value >= least:
        raise _wrong(name, given, _("it must be a number of at least %(num)s", num=format(least, "g")))
    if value > most:
        raise _wrong(name, given, _("it must be a number of at most %(num)s", num=format(most, ".0f")))
    return value


def _whole(
    environ: Mapping[str, str], name: str, default: int, *, least: int = 0, most: int = 1_000_000_000
) -> int:
    value = _number(environ, name, default, least=least, most=most)
    if value != int(value):
        raise _wrong(name, environ.get(name), _("it must be a whole number"))
    return int(value)


def _wrong(name: str, value: object, rule: str) -> SettingError:
    """The error for a setting of this value; `rule`: what it may be, in the reader's language."""
    return SettingError(_("%(name)s is %(value)s; %(rule)s", name=name, value=value, rule=rule))
