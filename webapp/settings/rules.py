"""The rules of messaging.toml (imports/messaging_keys.py) as validators of forms."""

from __future__ import annotations

from collections.abc import Callable

from wtforms import Field, Form
from wtforms.validators import ValidationError

from webapp.imports.messaging_keys import keys
from webapp.imports.toml_values import TomlCheck
from webapp.translation import _, translated

Validator = Callable[[Form, Field], None]
RULES = keys()
DIGITS_MAX = 9


def by_rule(table: str, key: str) -> Validator:
    """Validate as the file does, and take the value as it is stored."""
    return checked_by(RULES[table][key].check)


def checked_by(check: TomlCheck) -> Validator:
    """Validate by a check of the file's."""

    def validate(form: Form, field: Field) -> None:
        try:
            field.data = check(field.data or "")
        except ValueError as wrong:
            raise ValidationError(said(field, str(wrong))) from None

    return validate


def whole_by_rule(table: str, key: str) -> Validator:
    """The same for a whole number."""
    return whole_checked_by(RULES[table][key].check)


def whole_checked_by(check: TomlCheck) -> Validator:
    """The same for a whole number."""

    def validate(form: Form, field: Field) -> None:
        text = str(field.data or "").strip()
        if not text.isdecimal() or len(text) > DIGITS_MAX:
            raise ValidationError(_("%(field)s must be a whole number.", field=translated(field.label.text)))
        try:
            field.data = check(int(text))
        except ValueError as wrong:
            raise ValidationError(said(field, str(wrong))) from None

    return validate


def said(field: Field, problem: str) -> str:
    """What is wrong with a field, as a sentence."""
    name = translated(field.label.text)
    return _("%(field)s %(problem)s.", field=name, problem=translated(problem).rstrip("."))
