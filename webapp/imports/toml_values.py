"""What the keys of messaging.toml may hold. A check takes a TOML value and gives the value as it is stored,
or raises ValueError with what is wrong."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterable
from typing import Any

from webapp.destinations import may_hold_password
from webapp.imports import values
from webapp.imports.values import shown
from webapp.mailing.template_references import REFERENCE_NAME
from webapp.mailing.template_syntax import syntax_problem
from webapp.smtp.own_name import is_host_name, is_literal
from webapp.stored_texts import retold
from webapp.translation import N_, _

TomlCheck = Callable[[Any], Any]

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
HOST = re.compile(r"[A-Za-z0-9._:-]+")
TYPES = {
    str: N_("a text"),
    bool: N_("true or false"),
    int: N_("a whole number"),
    float: N_("a number"),
    list: N_("a list"),
    dict: N_("a table"),
}


def _of_type(value: Any, wanted: type) -> None:
    if type(value) is not wanted:
        given = TYPES.get(type(value), N_("a date or time"))
        raise ValueError(_("must be %(wanted)s, and is %(given)s", wanted=_(TYPES[wanted]), given=_(given)))


def text(most: int, *, empty: bool = False) -> TomlCheck:
    """One line of limited length, without spaces around it."""
    one_line = values.text(most, empty=empty)

    def check(value: Any) -> str:
        _of_type(value, str)
        return str(one_line(value.strip(" \t")))

    return check


def word(words: Iterable[str]) -> TomlCheck:
    """One of these words."""
    one = values.word(words)

    def check(value: Any) -> str:
        _of_type(value, str)
        return str(one(value))

    return check


def whole(least: int, most: int) -> TomlCheck:
    """A whole number within these bounds."""

    def check(value: Any) -> int:
        _of_type(value, int)
        if not least <= value <= most:
            raise ValueError(
                _(
                    "is %(value)s; it must be between %(least)s and %(most)s",
                    value=value,
                    least=least,
                    most=most,
                )
            )
        return int(value)

    return check


def truth(value: Any) -> bool:
    """true or false."""
    _of_type(value, bool)
    return bool(value)


def host(most: int) -> TomlCheck:
    """The name or the IP address of a machine."""
    one_line = text(most)

    def check(value: Any) -> str:
        name = str(one_line(value))
        if not HOST.fullmatch(name):
            raise ValueError(
                _("is %(name)s; a host is written like smtp.example.com or 192.0.2.7", name=shown(name))
            )
        return name

    return check


def ehlo_name(value: Any) -> str:
    """Our name in EHLO: a host name or an address literal, or none. Strict servers refuse anything else."""
    _of_type(value, str)
    if value and not (is_host_name(value) or is_literal(value)):
        example = _("mail.example.com or [192.0.2.1]")
        raise ValueError(
            _(
                "is %(value)s; the name in EHLO is written like %(example)s",
                value=shown(value),
                example=example,
            )
        )
    return str(value)


def certificates(value: Any) -> str:
    """Certificates in PEM, or none."""
    _of_type(value, str)
    text = str(value).replace("\r\n", "\n").strip()
    if text:
        try:
            text.encode("ascii")
            ssl.create_default_context().load_verify_locations(cadata=text)
        except (ssl.SSLError, ValueError):
            raise ValueError(
                _("is no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----")
            ) from None
    return text


def language(most: int) -> TomlCheck:
    """A language tag, or none: everybody else's."""
    tag = values.language(most)

    def check(value: Any) -> str:
        _of_type(value, str)
        return str(tag(value))

    return check


def variable(value: Any) -> str:
    """The name of an environment variable, or none. Never a password itself."""
    _of_type(value, str)
    if value and not VARIABLE.fullmatch(value):
        raise ValueError(_("must be the name of an environment variable, not the password itself"))
    if value and not may_hold_password(value):
        raise ValueError(
            _("is %(value)s, which holds something else; name a variable of its own", value=shown(value))
        )
    return str(value)


def address(value: Any) -> str:
    """One address."""
    _of_type(value, str)
    return values.address(value)


def address_or_none(value: Any) -> str:
    """One address, or none."""
    _of_type(value, str)
    return values.address(value) if value.strip() else ""


def addresses(domains: Iterable[str]) -> TomlCheck:
    """A list of addresses, each once; with `domains`, at these only."""
    allowed = tuple(domains)

    def check(value: Any) -> list[str]:
        _of_type(value, list)
        checked = list(dict.fromkeys(address(each) for each in value))
        for each in checked:
            if allowed and each.partition("@")[2] not in allowed:
                raise ValueError(
                    _(
                        "%(address)s is outside the domains that a Bcc may go to: %(domains)s",
                        address=each,
                        domains=", ".join(allowed),
                    )
                )
        return checked

    return check


def names(most: int) -> TomlCheck:
    """A list of names, each once."""
    one = text(most)

    def check(value: Any) -> list[str]:
        _of_type(value, list)
        checked = [str(one(each)) for each in value]
        for each in checked:
            if checked.count(each) > 1:
                raise ValueError(_("names %(each)s twice", each=shown(each)))
        return checked

    return check


def source(value: Any) -> str:
    """A template that can be compiled."""
    _of_type(value, str)
    if not value.strip():
        raise ValueError(_("is empty"))
    _parse(value)
    return str(value)


def subject(most: int) -> TomlCheck:
    """A template of one line."""
    one_line = text(most)

    def check(value: Any) -> str:
        line = str(one_line(value))
        _parse(line)
        return line

    return check


def source_or_none(value: Any) -> str:
    """A template that can be compiled, or none."""
    _of_type(value, str)
    return source(value) if value.strip() else ""


def subject_or_none(most: int) -> TomlCheck:
    """A template of one line, or none."""
    one = subject(most)

    def check(value: Any) -> str:
        _of_type(value, str)
        return str(one(value)) if value.strip() else ""

    return check


def part_name(value: Any) -> str:
    """How templates name a part that they include."""
    _of_type(value, str)
    if not REFERENCE_NAME.fullmatch(value):
        raise ValueError(
            _("is %(value)s; it has letters without accents, digits, - and _ only", value=shown(value))
        )
    return str(value)


def _parse(template: str) -> None:
    if "\0" in template:
        raise ValueError(_("has a NUL character"))
    if problem := syntax_problem(template):
        why = retold(problem.words)
        if problem.line:
            raise ValueError(_("line %(line)s of the template: %(why)s", line=problem.line, why=why))
        raise ValueError(_("the template: %(why)s", why=why))
