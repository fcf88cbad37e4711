"""What the libraries say of what people typed, marked for translation: they say it in English, some of it in
other processes, and pages translate it (stored_texts.py)."""

from __future__ import annotations

from webapp.translation import N_

JINJA_OF_SYNTAX = (
    N_("Encountered unknown tag '%(tag)s'."),
    N_(
        "Encountered unknown tag '%(tag)s'. Jinja was looking for the following tags: %(tags)s. The "
        "innermost block that needs to be closed is '%(block)s'."
    ),
    N_(
        "Encountered unknown tag '%(tag)s'. You probably made a nesting mistake. Jinja is expecting this "
        "tag, but currently looking for %(tags)s. The innermost block that needs to be closed is '%(block)s'."
    ),
    N_(
        "Unexpected end of template. Jinja was looking for the following tags: %(tags)s. The innermost block "
        "that needs to be closed is '%(block)s'."
    ),
    N_("unexpected end of template"),
    N_("unexpected '%(sign)s'"),
    N_("unexpected '%(sign)s', expected '%(wanted)s'"),
    N_("unexpected char %(sign)s at %(place)s"),
    N_("expected token '%(wanted)s', got '%(given)s'"),
    N_("Expected an expression, got '%(given)s'"),
    N_("Missing end of comment tag"),
    N_("No filter named '%(name)s'."),
    N_("No test named '%(name)s'."),
    N_("unknown block tag '%(name)s'"),
    N_("tag name expected"),
)
JINJA_OF_VALUES = (
    N_("division by zero"),
    N_("'%(name)s' is undefined"),
    N_('can only concatenate str (not "%(kind)s") to str'),
    N_("unsupported operand type(s) for %(sign)s: '%(kind)s' and '%(other)s'"),
    N_("'%(kind)s' object is not iterable"),
    N_("'%(kind)s' object is not callable"),
)

WTFORMS = (
    N_("This field is required."),
    N_("Not a valid choice."),
    N_("Invalid Choice: could not coerce."),
    N_("Not a valid date value."),
    N_("Not a valid integer value."),
    N_("Not a valid decimal value."),
    N_("Invalid input."),
    N_("Field cannot be longer than %(max)s characters."),
    N_("Field must be at least %(min)s characters long."),
    N_("Field must be between %(min)s and %(max)s characters long."),
)
EMAIL_VALIDATOR = (
    N_("An email address must have an @-sign."),
    N_('The email address has the "full-width" at-sign (@) character instead of a regular at-sign.'),
    N_("There must be something before the @-sign."),
    N_("There must be something after the @-sign."),
    N_("There can't be anything after the email address."),
    N_("The email address is too long %(reason)s."),
    N_("The email address is too long before the @-sign %(reason)s."),
    N_("The email address is too long after the @-sign %(reason)s."),
    N_("The email address contains invalid characters before the @-sign: %(characters)s."),
    N_("The email address contains invalid characters before the @-sign."),
    N_("The email address contains unsafe characters: %(characters)s."),
    N_("The display name contains invalid characters when not quoted: %(characters)s."),
    N_("The part after the @-sign contains invalid characters: %(characters)s."),
    N_("The part after the @-sign contains invalid characters (%(error)s)."),
    N_("The part after the @-sign is invalid (%(error)s)."),
    N_("The part after the @-sign is not valid. It should have a period."),
    N_("The part after the @-sign is not valid. It is not within a valid top-level domain."),
    N_("The part after the @-sign is a special-use or reserved name that cannot be used with email."),
    N_("An email address cannot start with a period."),
    N_("An email address cannot end with a period."),
    N_("An email address cannot have two periods in a row."),
    N_("An email address cannot have a period immediately before the @-sign."),
    N_("An email address cannot have a period immediately after the @-sign."),
    N_("An email address cannot have a hyphen immediately after the @-sign."),
    N_("An email address cannot end with a hyphen."),
    N_("An email address cannot have a period and a hyphen next to each other."),
)
