"""Whether the buyer that an e-invoice names is the customer: compared leniently, because the number decides
first, and the right document must never be held for a way of writing a name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from webapp.documents import spelling
from webapp.documents.e_invoices import Stated

LEFT_OUT = """
ab ad ag ans as asa aps bhd bt bv bvba co comm corp cv da dd doo eg ek eirl eood ev eurl fa gbr gie
gmbh haftungsbeschrankt inc ivs kft kg kgaa kk ks lda limited llc llp lp ltd ltda mbh nv nyrt od oe
ohg ood oy oyj partg plc pte pty pvt sa sae sagl sapa sarl sas sasu sc sca scop scs sdn se sicav sl
slp slu snc sp spa spolka spol spzoo sro srl srls stichting ug unipessoal vof vzw zo zoo zrt z o and
und et en y e i og och ja company gesellschaft societa societe
"""
LEGAL_FORMS = frozenset(LEFT_OUT.split())
"""Legal forms and "and": words of a name that one writes and another leaves out."""
LETTERS = str.maketrans({"ø": "o", "æ": "a", "œ": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
CONTRACTED = (("ae", "a"), ("oe", "o"), ("ue", "u"))
"""Müller and Mueller."""


def agrees(stated: Stated, code: str, name: str) -> bool:
    """Whether this customer is the buyer: by a code, or by a name that contains the other. Without a buyer's
    name, anyone may be."""
    if not any(map(str.strip, stated.buyer_names)):
        return True
    wanted = _code(code)
    if wanted and any(wanted in _codes(each) for each in stated.buyer_codes):
        return True
    return any(_same_name(name, each) or _same_name(code, each) for each in stated.buyer_names)


def _codes(code: str) -> Iterable[str]:
    """The code, without the name of its scheme, and a VAT number without its country."""
    whole = _code(code)
    last = _code(code.rpartition(":")[2])
    return whole, last, whole[2:] if whole[:2].isalpha() and whole[2:].isdigit() else whole


def _code(code: str) -> str:
    return "".join(each for each in spelling.plain(code) if each.isalnum())


def _same_name(one: str, other: str) -> bool:
    if spelling.plain(one).split() == spelling.plain(other).split():
        return True
    mine, its = _words(one), _words(other)
    if not mine or not its:
        return False
    if set(mine) <= set(its) or set(its) <= set(mine):
        return True
    shorter, longer = sorted((" ".join(mine), " ".join(its)), key=len)
    return bool(spelling.name(shorter).search(longer))


@lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, ...]:
    """The words of a name, without accents and legal forms; all of them, if nothing else is left."""
    bare = unicodedata.normalize("NFKD", spelling.plain(name).translate(LETTERS))
    text = "".join(each for each in bare if not unicodedata.combining(each))
    for long, short in CONTRACTED:
        text = text.replace(long, short)
    dotless = re.sub(r"(?<=\b\w)[./](?=\w\b)|'", "", text)
    words = [each for each in re.split(r"[\W_]+", dotless) if each]
    return tuple(each for each in words if each not in LEGAL_FORMS) or tuple(words)
