"""What differs by country: names, towns, currency, tax, and how amounts and dates are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Country:
    """`postcode` takes a number and gives a postcode of the country's form. `prices` multiplies the list
    price in euros."""

    code: str
    name: str
    language: str
    currency: str
    tax_percent: Decimal
    prices: Decimal
    towns: tuple[str, ...]
    streets: tuple[str, ...]
    surnames: tuple[str, ...]
    trades: tuple[str, ...]
    billing_words: tuple[str, ...]
    postcode: Callable[[int], str]


def _dutch(n: int) -> str:
    return f"{1000 + n % 8999} {'ABCDEHKLMNPR'[n % 12]}{'BCDEGJKLNSVX'[n // 7 % 12]}"


def _five(n: int) -> str:
    return f"{10000 + n * 37 % 85000:05}"


def _british(n: int) -> str:
    return (
        f"{('LS', 'BS', 'CF', 'YO', 'EH', 'NR')[n % 6]}{1 + n % 19} {1 + n // 5 % 9}{'ABDEHJ'[n // 3 % 6]}P"
    )


def _swiss(n: int) -> str:
    return f"{1000 + n * 13 % 8600}"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


NETHERLANDS = Country(
    "NL",
    "Nederland",
    "nl",
    "EUR",
    Decimal(21),
    Decimal(1),
    _words("Groningen|Leeuwarden|Assen|Zwolle|Deventer|Utrecht|Breda|Eindhoven|'s-Hertogenbosch|Maastricht"),
    _words("Herestraat|Stationsweg|Molenpad|Nieuwe Gracht|Kerkplein|Havenkade|Lindelaan"),
    _words(
        "Van Dijk|De Wit|Hoekstra|Bakker|Núñez|Dijkstra|Van der Veen|Jansen|Postma|Çelik|Vermeulen|Smit|Bos"
    ),
    _words(
        "Bakkerij {}|Garage {} B.V.|Bouwbedrijf {} B.V.|Tandartspraktijk {}|Advocatenkantoor {}"
        "|Fysiotherapie {}|Bloemisterij {}|{} Logistiek B.V.|{} Installatietechniek|Café-restaurant {}"
    ),
    ("facturen", "administratie", "boekhouding"),
    _dutch,
)
GERMANY = Country(
    "DE",
    "Deutschland",
    "de",
    "EUR",
    Decimal(19),
    Decimal("1.02"),
    _words("Köln|Hamburg|Leipzig|München|Bremen|Nürnberg|Göttingen|Lübeck|Münster|Würzburg"),
    _words("Bahnhofstraße|Gartenweg|Mühlgasse|Am Markt|Schillerstraße|Hauptstraße"),
    _words("Müller|Schröder|Groß|Weiß|Hartmann|Krüger|Böhm|Yıldız|Köhler|Lindner|Jäger|Vogt"),
    _words(
        "Bäckerei {}|Autohaus {} GmbH|Kanzlei {} & Partner|{} Maschinenbau GmbH|Zahnarztpraxis Dr. {}"
        "|{} Elektrotechnik GmbH|Gasthof {}|Spedition {} GmbH & Co. KG|Optik {}"
    ),
    ("rechnung", "buchhaltung", "kreditoren"),
    _five,
)
BRITAIN = Country(
    "GB",
    "United Kingdom",
    "en",
    "GBP",
    Decimal(20),
    Decimal("0.87"),
    _words("Leeds|Bristol|Cardiff|York|Edinburgh|Norwich|Bath|Lancaster"),
    _words("High Street|Station Road|Mill Road|Church Row|Queen Street|Canal Walk"),
    _words("O'Connor|Whitfield|Thornbury|Ashworth|Patel|MacLeod|Griffiths|Hargreaves|Siân Evans|Okafor"),
    _words(
        "{} & Sons Ltd|{} Dental Practice|{} Coffee Roasters Ltd|{} Solicitors LLP|{} Engineering Ltd"
        "|The {} Arms|{} Veterinary Surgery"
    ),
    ("accounts", "invoices", "finance"),
    _british,
)
FRANCE = Country(
    "FR",
    "France",
    "fr",
    "EUR",
    Decimal(20),
    Decimal("1.01"),
    _words("Lyon|Nantes|Lille|Orléans|Besançon|Nîmes|Saint-Étienne|Angoulême"),
    _words("rue de la République|avenue des Tilleuls|place du Marché|quai Saint-Michel|rue Pasteur"),
    _words("Lefèvre|Moreau|Gauthier|Benoît|Hérault|Dupré|N'Diaye|Le Goff|Muñoz"),
    _words(
        "Boulangerie {} SARL|Cabinet {} et Associés|Garage {}|Pharmacie {}|Menuiserie {} SARL|Hôtel {}"
        "|Transports {} SAS"
    ),
    ("comptabilite", "factures"),
    _five,
)
SWITZERLAND = Country(
    "CH",
    "Schweiz",
    "de",
    "CHF",
    Decimal("8.1"),
    Decimal("1.15"),
    _words("Zürich|Bern|Basel|Chur|St. Gallen|Luzern|Winterthur|Zürich"),
    _words("Seestrasse|Bahnhofplatz|Dorfstrasse|Rebweg|Kirchgasse"),
    _words("Keller|Brunner|Zürcher|Ammann|Bösch|Rüegg|Caduff|Hürlimann"),
    _words("{} Treuhand AG|Schreinerei {} GmbH|{} Feinmechanik AG|Praxis Dr. {}|Gasthaus {}|{} Velos GmbH"),
    ("buchhaltung", "rechnungen"),
    _swiss,
)
ROMANDY = Country(
    "CH",
    "Suisse",
    "fr",
    "CHF",
    Decimal("8.1"),
    Decimal("1.15"),
    _words("Genève|Lausanne|Neuchâtel|Fribourg|Vevey"),
    _words("rue du Lac|chemin des Vignes|avenue de la Gare|Grand-Rue"),
    _words("Favre|Rochat|Crété|Dubuis|Jaquet|Bühlmann"),
    _words("Garage {} Sàrl|Fiduciaire {} SA|Horlogerie {} SA|Cave {}|Clinique {}"),
    ("compta", "factures"),
    _swiss,
)
