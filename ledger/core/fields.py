"""JSON types of command fields (contract 0.3).

Each type checks one value in the contract's order (type, format, range, code), raises Rejected with the first code that
fails and returns the value as the core keeps it: instants as microseconds, dates as days, funds sorted by key.

Types that keep a value as it came also tell the reader of most lines (`ledger.core.swift`) what they take: by the same
pattern in `PATTERNS`, or in the words of its decoder, made from the same words and bounds, in `UNCHANGED`. `WORDS`
tells people what every type takes: the reference of commands is written from it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from operator import mul
from typing import Annotated, Any, Final, Literal

import msgspec

from ledger.core import provinces
from ledger.core.calendar import SECOND, from_date, instant_of
from ledger.core.rejection import Rejected

Parse = Callable[[Any], Any]
AMOUNT_MAX: Final = 10**13
COUNT_MAX: Final = 2_147_483_647
YEARS: Final = range(2000, 2100)

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
REF = re.compile(r"[!-~]{1,128}")
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
HASH = re.compile(r"[0-9a-f]{64}")
CARD_SN = re.compile(r"[0-9]{6}D156000005[0-9A-F]{16}")
PERSON = re.compile(r"[0-9]{17}[0-9X]")
CREDIT_CODE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")
CARD_NUMBER = re.compile(r"[0-9A-Z]{8}[0-9X]")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
    r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
)
AREA = re.compile(r"[0-9]{6}")
PROVINCE = re.compile(r"[0-9]{2}")
AN_INSTANT: Final = "an instant with offset such as 2025-06-15T09:00:00+08:00"

PERSON_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
PERSON_CHECKS: Final = "10X98765432"
PERSON_ZEROS: Final = ord("0") * sum(PERSON_WEIGHTS)
CREDIT_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CARD_NUMBER_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)


# Days that every year has.
EVERY_YEAR: Final = frozenset((date(2001, 1, 1) + timedelta(number)).strftime("%m%d") for number in range(365))

UNCHANGED: Final[dict[Parse, Any]] = {}
PATTERNS: Final[dict[Parse, str]] = {}
WORDS: Final[dict[Parse, str]] = {}


def keeps(parse: Parse, taken: Any) -> Parse:
    """`parse` takes exactly the values of the type `taken`, and returns them unchanged."""
    UNCHANGED[parse] = taken
    return parse


def follows(parse: Parse, pattern: str) -> Parse:
    """`parse` takes exactly the strings that match `pattern` as a whole, and returns them unchanged."""
    PATTERNS[parse] = pattern
    return parse


def worded(parse: Parse, words: str) -> Parse:
    """`parse` takes what `words` tell a person."""
    WORDS[parse] = words
    return parse


def wrong_type(wanted: str) -> Rejected:
    return Rejected("wrong_type", f"must be {wanted}")


def bad_format(wanted: str) -> Rejected:
    return Rejected("bad_format", f"must be {wanted}")


def out_of_range(wanted: str) -> Rejected:
    return Rejected("out_of_range", f"must be {wanted}")


def unknown_code(wanted: str) -> Rejected:
    return Rejected("unknown_code", f"must be {wanted}")


def matching(pattern: re.Pattern[str], wanted: str) -> Parse:
    """A string that matches `pattern` as a whole."""
    match = pattern.fullmatch

    def parse(value: Any) -> str:
        if type(value) is not str:
            raise wrong_type("a string")
        if match(value) is None:
            raise bad_format(wanted)
        return value

    return worded(follows(parse, pattern.pattern), wanted)


def one_of(*words: str) -> Parse:
    """A string of a closed list."""
    known = frozenset(words)
    wanted = "one of " + ", ".join(sorted(words))

    def parse(value: Any) -> str:
        if type(value) is not str:
            raise wrong_type("a string")
        if value not in known:
            raise unknown_code(wanted)
        return value

    literal: Any = Literal
    return worded(keeps(parse, literal[words]), wanted)


def whole(low: int, high: int, wanted: str) -> Parse:
    """A JSON number without fraction or exponent in [low, high]."""

    def parse(value: Any) -> int:
        if type(value) is not int:
            raise wrong_type("a whole number without quotes, fraction or exponent")
        if not low <= value <= high:
            raise out_of_range(wanted)
        return value

    return worded(keeps(parse, Annotated[int, msgspec.Meta(ge=low, le=high)]), f"a whole number, {wanted}")


def boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise wrong_type("true or false")
    return value


worded(keeps(boolean, bool), "true or false")


def text(value: Any) -> str:
    if type(value) is not str:
        raise wrong_type("a string")
    if CONTROLS.search(value):
        raise bad_format("free of control characters")
    if not 1 <= len(value) <= 500:
        raise out_of_range("1 to 500 characters long")
    return value


keeps(text, Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"\A[^\x00-\x1f\x7f-\x9f]*\Z")])
worded(text, "1 to 500 characters, none of them a control character")


def person(value: Any) -> str:
    """A social security number; the caller replaces it by its key before anything else sees it."""
    if type(value) is not str:
        raise wrong_type("a string")
    if PERSON.fullmatch(value) is None:
        raise bad_format("an 18-character social security number")
    if PERSON_CHECKS[(sum(map(mul, PERSON_WEIGHTS, value.encode())) - PERSON_ZEROS) % 11] != value[17]:
        raise bad_format("a social security number with a right check character")
    if value[10:14] not in EVERY_YEAR or value[6:10] == "0000":
        try:
            birth_date(birth_digits(value))
        except ValueError:
            raise bad_format("a social security number with a real date of birth") from None
    return value


def birth_date(digits: str) -> date:
    """The date of birth YYYYMMDD in a checked social security number."""
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))


def birth_digits(number: str) -> str:
    """What `birth_date` takes of a checked social security number."""
    return number[6:14]


def credit_code(value: Any) -> str:
    """Unified social credit code (GB 32100): weights 3^(i-1) mod 31."""
    if type(value) is not str:
        raise wrong_type("a string")
    if CREDIT_CODE.fullmatch(value) is None:
        raise bad_format("an 18-character unified social credit code")
    total = sum(pow(3, i, 31) * CREDIT_ALPHABET.index(c) for i, c in enumerate(value[:17]))
    if CREDIT_ALPHABET[-total % 31] != value[17]:
        raise bad_format("a credit code with a right check character")
    return value


def card_number(value: Any) -> str:
    if type(value) is not str:
        raise wrong_type("a string")
    if CARD_NUMBER.fullmatch(value) is None:
        raise bad_format("8 characters 0-9 A-Z and a check character")
    check = 11 - sum(w * int(c, 36) for w, c in zip(CARD_NUMBER_WEIGHTS, value, strict=False)) % 11
    if {10: "X", 11: "0"}.get(check, str(check)) != value[8]:
        raise bad_format("a card number with a right check character")
    return value


KNOWN_PROVINCES: Final = "|".join(
    f"{first}[{''.join(sorted(code[1] for code in provinces.PARTIES if code[0] == first))}]"
    for first in sorted({code[0] for code in provinces.PARTIES})
)


def _prefixed(pattern: re.Pattern[str], wanted: str) -> Parse:
    match = pattern.fullmatch
    parties = provinces.PARTIES

    def parse(value: Any) -> str:
        if type(value) is not str:
            raise wrong_type("a string")
        if match(value) is None:
            raise bad_format(wanted)
        if value[:2] not in parties:
            raise unknown_code("of a known province (its first two digits are not)")
        return value

    follows(parse, rf"(?=(?:{KNOWN_PROVINCES}))(?:{pattern.pattern})")
    return worded(parse, f"{wanted}; it begins with a province code")


def day(value: Any) -> int:
    if type(value) is not str:
        raise wrong_type("a string YYYY-MM-DD")
    if DATE.fullmatch(value) is None:
        raise bad_format("a date YYYY-MM-DD")
    year = int(value[:4])
    try:
        found = date.fromisoformat(value if year else "2000" + value[4:])
    except ValueError:
        raise bad_format("a real calendar date") from None
    if year not in YEARS:
        raise out_of_range("a date from 2000-01-01 to 2099-12-31")
    return from_date(found)


def month(value: Any) -> str:
    if type(value) is not str:
        raise wrong_type("a string YYYY-MM")
    if MONTH.fullmatch(value) is None or not "01" <= value[5:] <= "12":
        raise bad_format("a month YYYY-MM")
    if int(value[:4]) not in YEARS:
        raise out_of_range("a month from 2000-01 to 2099-12")
    return value


INSTANT_LOW: Final = 946_684_800_000_000
INSTANT_HIGH: Final = 4_102_444_800_000_000
SECONDS: Final = {f"{second:02}": second * SECOND for second in range(60)}


def instant(value: Any) -> int:
    if type(value) is not str:
        raise wrong_type("a string")
    second = SECONDS.get(value[17:19])
    if second is None:
        raise bad_format(AN_INSTANT)
    return _at_its_minute(f"{value[:17]}00{value[19:]}") + second


@lru_cache(maxsize=4_096)
def _at_its_minute(value: str) -> int:
    """The instant but for its seconds, kept: of the lines of a batch many fall into the same minute."""
    if INSTANT.fullmatch(value) is None:
        raise bad_format(AN_INSTANT)
    year_zero = value.startswith("0000")
    try:
        found = instant_of(datetime.fromisoformat("2000" + value[4:] if year_zero else value))
    except ValueError:
        raise bad_format("a real date and time with offset") from None
    if year_zero or not INSTANT_LOW <= found < INSTANT_HIGH:
        raise out_of_range("within the UTC years 2000 to 2099")
    return found


def list_of(element: Parse, low: int, high: int) -> Parse:
    """An array of low..high elements, no two equal."""

    def parse(value: Any) -> list[Any]:
        if type(value) is not list:
            raise wrong_type("an array")
        if not low <= len(value) <= high:
            raise out_of_range(f"an array of {low} to {high} elements")
        parsed = [element(item) for item in value]
        if len(set(parsed)) < len(parsed):
            raise bad_format("an array without equal elements")
        return parsed

    return worded(parse, f"an array of {low} to {high} elements, no two equal, each {WORDS[element]}")


def funds_of(low: int, high: int | None = None) -> Parse:
    """Fund type -> amount, low..high of them; sorted by type."""

    def parse(value: Any) -> dict[str, int]:
        if type(value) is not dict:
            raise wrong_type("an object of fund types and amounts")
        if len(value) < low or (high is not None and len(value) > high):
            raise out_of_range(f"an object of {low} to {high} fund types")
        parsed = {}
        for key in sorted(value):
            if key not in provinces.FUND_TYPES:
                raise unknown_code("an object whose keys are fund types: " + ", ".join(sorted(provinces.FUND_TYPES)))
            parsed[key] = amount(value[key])
        return parsed

    bounds = f"{low} or more" if high is None else f"{low} to {high}"
    return worded(parse, f"an object of {bounds} entries: a fund type and its amount, {WORDS[amount]}")


worded(person, "a social security number: 18 characters, the last a check character; kept as a key only")
worded(credit_code, "a unified social credit code: 18 characters, the last a check character")
worded(card_number, "8 of 0-9 A-Z and a check character")
worded(day, "a date YYYY-MM-DD from 2000-01-01 to 2099-12-31")
worded(month, "a month YYYY-MM from 2000-01 to 2099-12")
worded(instant, f"{AN_INSTANT}, of the years 2000 to 2099")
identifier = matching(ID, "an id: 1 to 64 of A-Z a-z 0-9 . _ -, first a letter or digit")
reference = matching(REF, "1 to 128 printable ASCII characters without space")
digest = matching(HASH, "64 lower-case hexadecimal characters")
card_sn = _prefixed(CARD_SN, "a card_sn: 6 digits, D156000005, 16 of 0-9 A-F")
area = _prefixed(AREA, "an area code of 6 digits")
province = _prefixed(PROVINCE, "a province code of 2 digits")
worded(province, "a province code: " + ", ".join(sorted(provinces.PARTIES)))
amount = whole(1, AMOUNT_MAX, "1 to 10000000000000 fen")
amount0 = whole(0, AMOUNT_MAX, "0 to 10000000000000 fen")
signed = whole(-AMOUNT_MAX, AMOUNT_MAX, "-10000000000000 to 10000000000000 fen")
count = whole(0, COUNT_MAX, "0 to 2147483647")
count1 = whole(1, COUNT_MAX, "1 to 2147483647")
insutype = one_of(*provinces.INSUTYPES)
med_type = one_of(*provinces.MED_TYPES)
clr_type = one_of(*provinces.CLR_TYPES)
fund_type = one_of(*provinces.FUND_TYPES)
scheme = one_of(*provinces.SCHEMES)
funds0 = funds_of(0)
funds1 = funds_of(1, 20)


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a command's table.

    `default`: value the event holds when the submitter left an optional field out. `event_name`: the event's name for
    it where that differs. Fields named in a shape rule are declared optional here and required by the rule.
    """

    name: str
    parse: Parse
    required: bool = True
    default: Any = None
    event_name: str = ""

    @property
    def is_person(self) -> bool:
        return self.parse is person


def required(name: str, parse: Parse, event_name: str = "") -> Field:
    return Field(name, parse, True, None, event_name)


def optional(name: str, parse: Parse, default: Any = None) -> Field:
    return Field(name, parse, False, default)
