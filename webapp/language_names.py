"""The tag of a language that is named in words: Dutch and Nederlands are nl. In English, Dutch and German,
and in the language itself."""

from __future__ import annotations

from functools import cache

from babel import Locale

OWN_NAMES = {
    "af": "Afrikaans", "ar": "العربية", "bg": "български", "bs": "bosanski", "ca": "català",
    "cs": "čeština", "cy": "Cymraeg", "da": "dansk", "de": "Deutsch", "el": "Ελληνικά", "en": "English",
    "es": "español", "et": "eesti", "eu": "euskara", "fa": "فارسی", "fi": "suomi", "fr": "français",
    "fy": "Frysk", "ga": "Gaeilge", "gl": "galego", "he": "עברית", "hi": "हिन्दी", "hr": "hrvatski",
    "hu": "magyar", "id": "Indonesia", "is": "íslenska", "it": "italiano", "ja": "日本語", "ka": "ქართული",
    "ko": "한국어", "lb": "Lëtzebuergesch", "lt": "lietuvių", "lv": "latviešu", "mk": "македонски",
    "nl": "Nederlands", "nn": "norsk nynorsk", "no": "norsk", "pl": "polski", "pt": "português",
    "ro": "română", "ru": "русский", "sk": "slovenčina", "sl": "slovenščina", "sq": "shqip",
    "sr": "српски", "sv": "svenska", "th": "ไทย", "tr": "Türkçe", "uk": "українська",
    "vi": "Tiếng Việt", "zh": "中文",
}  # fmt: skip
"""As Babel has them; from there, all languages would have to be loaded, which takes 150 MB."""
SPOKEN_HERE = ("en", "nl", "de")


def tag_of(words: str) -> str:
    """The tag of the language that these words name; the words themselves if they are a tag, or name none."""
    return _tags().get(words.strip().casefold(), words)


@cache
def _tags() -> dict[str, str]:
    """The tag by what the language is called, in small letters. A tag that is a name too, as that of another
    language, stays a tag."""
    named = {name.casefold(): tag for tag, name in OWN_NAMES.items()}
    for spoken in reversed(SPOKEN_HERE):
        called = Locale(spoken).languages.items()
        named.update((str(name).casefold(), tag.replace("_", "-")) for tag, name in called)
    tags = {str(tag).casefold().replace("_", "-") for tag in Locale("en").languages}
    return {name: tag for name, tag in named.items() if name not in tags}
