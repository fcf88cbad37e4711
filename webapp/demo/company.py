"""The customers of the demo company and the clusters that they belong to. The same every time."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from webapp.demo.countries import BRITAIN, FRANCE, GERMANY, NETHERLANDS, ROMANDY, SWITZERLAND, Country

ROOT = "Noordlicht Telecom"

CLUSTERS: dict[str, tuple[str, ...]] = {
    ROOT: (),
    "Western Europe": (ROOT,),
    "DACH": (ROOT,),
    "British Isles": (ROOT,),
    "Public Sector": (ROOT,),
    "Wholesale": (ROOT,),
    "Netherlands": ("Western Europe",),
    "France": ("Western Europe",),
    "Germany": ("DACH",),
    "Switzerland": ("DACH",),
    "United Kingdom": ("British Isles",),
    "NL Business": ("Netherlands",),
    "NL Enterprise": ("NL Business",),
    "NL Small Business": ("NL Business",),
    "NL Small Business North": ("NL Small Business",),
    "NL Small Business South": ("NL Small Business",),
    "NL Municipalities": ("Netherlands", "Public Sector"),
    "NL Resellers": ("Netherlands", "Wholesale"),
    "Reseller Delta IP": ("NL Resellers",),
    "DE Mittelstand": ("Germany",),
    "DE Mittelstand Süd": ("DE Mittelstand",),
    "DE Kommunen": ("Germany", "Public Sector"),
    "DE Wiederverkäufer": ("Germany", "Wholesale"),
    "UK Small Business": ("United Kingdom",),
    "UK Care and Health": ("United Kingdom", "Public Sector"),
    "FR PME": ("France",),
    "FR Collectivités": ("France", "Public Sector"),
    "CH Deutschschweiz": ("Switzerland",),
    "CH Suisse romande": ("Switzerland",),
}
"""Tag name → parents. The deepest way is six long; the public and the wholesale clusters have two parents."""

RESELLERS = ("NL Resellers", "Reseller Delta IP", "DE Wiederverkäufer")
LARGE = ("NL Enterprise", "NL Municipalities", "DE Kommunen", "FR Collectivités", "UK Care and Health")

FIXED_NAMES: dict[str, str] = {
    "NL Enterprise": "Waddenzee Groep N.V.|Poort van Drenthe B.V.|Zuivelcoöperatie De Terp|Hunze Energie N.V."
    "|Noorderzorg|Dollard Chemie B.V.|Universiteit Eemsland|Martini Verzekeringen N.V.|Havenbedrijf Lauwers"
    "|Friese Bouwgroep|Reitdiep Media B.V.|Ziekenhuis Oosterpoort",
    "NL Municipalities": "Gemeente Aalburg-Oost|Gemeente Beemsterland|Gemeente Dommelrode|Gemeente Eikenhorst"
    "|Gemeente Geulendal|Gemeente Haarveld|Gemeente IJsselmark|Gemeente Meerwoude|Gemeente Oosterbroek"
    "|Gemeente Súdwâld|Gemeente Veldhove|Gemeente Zuiderhage",
    "NL Resellers": "Delta IP B.V.|Zakelijk Bellen Nederland|Telecombinatie Oost|Kabelkracht B.V.",
    "DE Kommunen": "Stadt Lindenau am See|Gemeinde Birkenfelde|Landkreis Mühlental|Stadt Großenwerder"
    "|Samtgemeinde Heidmoor|Stadtwerke Königsaue",
    "DE Wiederverkäufer": "Nordnetz Handels GmbH|Fernsprech-Kontor Lübeck|Süd-Telefonie GmbH|Rheinfunk KG",
    "UK Care and Health": "Ashdown Care Trust|Calder Valley Hospice|Severnside Health CIC|St Bride's Surgery"
    "|Moorland Housing Association|Fenland Community Nurses|Llanfair Care Homes|Border Ambulance Charity",
    "FR Collectivités": "Commune de Saint-Aubin-des-Prés|Mairie de Châtel-Neuf|Collège Jean-Jaurès"
    "|Communauté de communes du Haut-Vallon",
}

PLACES: tuple[tuple[str, Country, int], ...] = (
    ("NL Enterprise", NETHERLANDS, 12),
    ("NL Small Business North", NETHERLANDS, 26),
    ("NL Small Business South", NETHERLANDS, 24),
    ("NL Municipalities", NETHERLANDS, 12),
    ("NL Resellers", NETHERLANDS, 4),
    ("Reseller Delta IP", NETHERLANDS, 8),
    ("DE Mittelstand", GERMANY, 14),
    ("DE Mittelstand Süd", GERMANY, 16),
    ("DE Kommunen", GERMANY, 6),
    ("DE Wiederverkäufer", GERMANY, 4),
    ("UK Small Business", BRITAIN, 22),
    ("UK Care and Health", BRITAIN, 8),
    ("FR PME", FRANCE, 18),
    ("FR Collectivités", FRANCE, 4),
    ("CH Deutschschweiz", SWITZERLAND, 14),
    ("CH Suisse romande", ROMANDY, 8),
)
"""Cluster, country, and how many customers: 200 together."""

MANAGERS = ("Marit Hoving", "Jeroen Kooistra", "Anna-Lena Vogt", "Claire Dumoulin")


@dataclass(frozen=True)
class DemoCustomer:
    """`emails` are (recipient key, address, display name)."""

    code: str
    name: str
    cluster: str
    country: Country
    street: str
    postcode: str
    town: str
    tax_id: str
    manager: str
    suspended: bool
    emails: tuple[tuple[str, str, str], ...]

    @property
    def document_password(self) -> str:
        """What the demo has agreed with hospitals and surgeries, but for one of them."""
        agreed = self.cluster == "UK Care and Health" and not self.name.startswith("St Bride")
        return f"Heron-{self.code.removeprefix('K-')}" if agreed else ""

    @property
    def language(self) -> str:
        """The language of their mails: English as it is written in Britain, where "en" alone is American."""
        return "en-GB" if self.country.language == "en" else self.country.language

    @property
    def is_large(self) -> bool:
        return self.cluster in LARGE or self.cluster in RESELLERS


def customers() -> list[DemoCustomer]:
    """All 200 of them, in order of their code."""
    rng = random.Random("Noordlicht")  # noqa: S311  # made-up data, alike each time
    taken: set[str] = set()
    made: list[DemoCustomer] = []
    for cluster, country, count in PLACES:
        names = _names(cluster, country, rng, taken)
        made += [_customer(len(made) + 1 + n, next(names), cluster, country, rng) for n in range(count)]
    return made


def _names(cluster: str, country: Country, rng: random.Random, taken: set[str]) -> Iterator[str]:
    yield from filter(None, FIXED_NAMES.get(cluster, "").split("|"))
    while True:
        name = rng.choice(country.trades).format(rng.choice(country.surnames))
        if name not in taken:
            taken.add(name)
            yield name


def _customer(number: int, name: str, cluster: str, country: Country, rng: random.Random) -> DemoCustomer:
    town = rng.choice(country.towns)
    return DemoCustomer(
        code=f"K-{41000 + number}",
        name=name,
        cluster=cluster,
        country=country,
        street=_street(country, rng),
        postcode=country.postcode(number * 61),
        town=town,
        tax_id=f"{country.code}{rng.randrange(10**8, 10**9)}",
        manager=MANAGERS[sum(map(ord, country.language)) % len(MANAGERS)],
        suspended=number in (23, 77, 118, 164),
        emails=tuple(_emails(number, name, country, rng)),
    )


def _street(country: Country, rng: random.Random) -> str:
    street, number = rng.choice(country.streets), rng.randrange(1, 180)
    return f"{number} {street}" if country.language in ("en", "fr") else f"{street} {number}"


def _emails(number: int, name: str, country: Country, rng: random.Random) -> Iterator[tuple[str, str, str]]:
    """Every 11th has two billing addresses, every 29th none; every 3rd an address for technical news."""
    domain = f"{slug(name)}.example"
    first, *others = rng.sample(country.billing_words, 2)
    if number % 50 == 40:
        domain = re.sub(r"\W+", "-", name.lower().replace(".", "")).strip("-") + ".example"
    if number % 29 != 12:
        yield "billing", f"{first}@{domain}", name
        if number % 11 == 5:
            yield "billing", f"{others[0]}@{domain}", f"{name} ({others[0]})"
    if number % 3 == 0:
        yield "technical", f"it@{domain}", ""


def slug(name: str) -> str:
    """The name as part of a domain: plain letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss").replace("ı", "i"))
    ascii_only = plain.encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"[.']", "", ascii_only)).strip("-")
