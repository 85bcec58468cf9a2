"""Written text as it is read out: numbers, dates, currencies and abbreviations become words, signs become plain ones."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence

from potmeter.errors import missing_extra

ABBREVIATIONS = {
    "en": {
        "mr": "mister", "mrs": "misess", "ms": "miz", "dr": "doctor", "st": "saint", "co": "company", "jr": "junior",
        "sr": "senior", "rev": "reverend", "gen": "general", "hon": "honorable", "capt": "captain", "col": "colonel",
        "lt": "lieutenant", "sgt": "sergeant", "prof": "professor", "vol": "volume", "etc": "et cetera", "vs": "versus",
    },
    "hu": {"dr": "doktor", "pl": "például", "stb": "s a többi", "kb": "körülbelül", "ún": "úgynevezett"},
    "ru": {"г": "год", "ул": "улица", "др": "другие"},
}  # fmt: skip
"""Read out when a full stop follows; by language."""
SIGNS = {
    "en": {"&": " and ", "%": " percent ", "+": " plus ", "=": " equals ", "@": " at ", "°": " degrees "},
    "hu": {"&": " és ", "%": " százalék ", "+": " plusz ", "=": " egyenlő ", "@": " kukac ", "°": " fok "},
    "ru": {"&": " и ", "%": " процентов ", "+": " плюс ", "=": " равно ", "@": " собака ", "°": " градусов "},
}
"""Signs that have a name."""
CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP"}
PLAIN = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "—": ", ", "–": ", ", "…": "."}
)
"""Typographic signs and the plain ones."""
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
MAX_DIGITS = 15
"""Longer numbers are read digit by digit."""


def normalise(text: str, language: str) -> str:
    """A text as words and punctuation.

    Args:
        text: As it is written.
        language: Whose words numbers and signs become: en-us, hu, ru …; of a language without rules of its own, numbers only.

    Example:
        >>> normalise("Dr. Smith paid $3.50 on 5/6/1921 — the 2nd time!", "en-us")
        'doctor Smith paid three dollars, fifty cents on May sixth, nineteen twenty-one, the second time!'
    """
    base = language.split("-")[0]
    text = unicodedata.normalize("NFC", text).translate(PLAIN)
    for short, whole in ABBREVIATIONS.get(base, {}).items():
        text = re.sub(rf"\b{short}\.(?=\s|,|$)", whole, text, flags=re.IGNORECASE)
    if base == "en":
        text = read_english(text)
    text = NUMBER.sub(lambda found: f" {read_number(found[0], base)} ", text)
    for sign, name in SIGNS.get(base, {}).items():
        text = text.replace(sign, name)
    text = re.sub(r"[\"()\[\]{}]", " ", text)
    text = re.sub(r"\s+(?=[,.;:?!])", "", " ".join(text.split()))
    return re.sub(r"([,.;:?!])[,.;:]+", r"\1", text).strip()


def read_english(text: str) -> str:
    """Dates, money, ordinals, times and years, as English has them."""
    date = re.compile(r"\b(1[0-2]|0?[1-9])/(3[01]|[12]\d|0?[1-9])/(\d{4})\b")
    text = date.sub(lambda d: read_date(int(d[1]), int(d[2]), int(d[3])), text)
    money = re.compile(r"([$€£])(\d{1,12}(?:,\d{3})*)(?:\.(\d\d))?(?!\d)")
    text = money.sub(lambda m: read_money(m[1], m[2].replace(",", ""), m[3]), text)
    text = re.sub(r"\b(\d{1,9})(?:st|nd|rd|th)\b", lambda m: say(int(m[1]), "en", "ordinal"), text)
    text = re.sub(r"\b([01]?\d|2[0-3]):([0-5]\d)\b", lambda m: read_time(int(m[1]), int(m[2])), text)
    return re.sub(r"(?<![\d.,$€£])(1[1-9]\d\d|20[1-9]\d)(?![\d%]|[.,]\d)", lambda m: say(int(m[1]), "en", "year"), text)


def read_date(month: int, day: int, year: int) -> str:
    """A date in words."""
    return f"{MONTHS[month - 1]} {say(day, 'en', 'ordinal')}, {say(year, 'en', 'year')}"


def read_money(sign: str, whole: str, cents: str | None) -> str:
    """An amount of money in words."""
    return say(float(f"{whole}.{cents or '00'}"), "en", "currency", currency=CURRENCIES[sign]).removesuffix(
        ", zero cents"
    )


def read_time(hours: int, minutes: int) -> str:
    """A time of day in words."""
    if not minutes:
        return f"{say(hours, 'en')} o'clock"
    return f"{say(hours, 'en')} {'oh ' if minutes < 10 else ''}{say(minutes, 'en')}"


def read_number(digits: str, language: str) -> str:
    """A number in words; one that is too long, digit by digit."""
    decimal = "." if language == "en" else ","
    plain = digits.replace("," if decimal == "." else ".", "").replace(decimal, ".")
    if plain.count(".") > 1 or len(plain) > MAX_DIGITS or (plain[0] == "0" and plain[:2] not in ("0", "0.")):
        return " ".join(say(int(digit), language) for digit in digits if digit.isdigit())
    return say(float(plain) if "." in plain else int(plain), language)


def say(number: float, language: str, form: str = "cardinal", **options: str) -> str:
    """A number in a language's words, by num2words; in digits where it does not know the language."""
    try:
        from num2words import num2words
    except ImportError as error:
        raise missing_extra("Reading numbers out", "speech", error.name) from None
    try:
        words: str = num2words(number, lang=language, to=form, **options)
    except NotImplementedError:
        return str(number)
    return words.replace(" and ", " ") if form == "year" else words


def split_sentences(text: str) -> list[str]:
    """A text's sentences, each with its end; a paragraph ends a sentence, too.

    Example:
        >>> split_sentences("Is it? Yes. Come on, e.g. now!")
        ['Is it?', 'Yes.', 'Come on, e.g. now!']
    """
    parts = re.split(r"(?<=[.?!…])[\"'”’)]*\s+(?=[^\s\da-zа-яё])|\n\s*\n", text)
    return [" ".join(part.split()) for part in parts if any(c.isalnum() for c in part)]


def split_long(text: str, measure: Callable[[str], int], limit: int) -> list[str]:
    """A sentence in pieces of at most ``limit``, cut at punctuation where it can be, else between words.

    A single word that is longer is cut between its letters.

    Args:
        text: A sentence.
        measure: The length of a piece, in symbols, of which each word has at least one.
        limit: Longest piece.

    Example:
        >>> split_long("one two, three four five", len, 12)
        ['one two,', 'three four', 'five']
        >>> split_long("supercalifragilistic", len, 12)
        ['supercalifra', 'gilistic']
    """

    def fit(parts: Sequence[str], joint: str) -> int:
        """How many of the first parts are a piece."""
        counts = range(1, min(len(parts), limit) + 1)
        return bisect_right(counts, limit, key=lambda count: measure(joint.join(parts[:count])))

    words, pieces = text.split(), []
    while words:
        count = fit(words, " ")
        if not count:
            letters = max(fit(words[0], ""), 1)
            words[:1] = [part for part in (words[0][:letters], words[0][letters:]) if part]
            count = 1
        elif count < len(words):
            pauses = [n for n in range(1, count + 1) if words[n - 1][-1] in ",;:" and n > count // 3]
            count = pauses[-1] if pauses else count
        pieces.append(" ".join(words[:count]))
        words = words[count:]
    return pieces
