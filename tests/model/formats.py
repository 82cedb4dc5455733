"""Field formats of the contract, written down once more: each check returns None or the reject code of the first fault.

Only shape matters here (is this text a date at all?); what a value means for the ledger is decided elsewhere."""

import re
from collections.abc import Callable

PARTIES = ("11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 66").split()
INSUTYPES = "310 320 330 340 350 360 370 380 390 391 392 399 410 510".split()
MED_TYPES = "11 12 13 1301 14 18 2101 2102 22 28 41 51 52 71 9903".split()
INPATIENT = "2101 2102 22 52".split()
EMERGENCY = "13 1301".split()
FUND_TYPES = "310100 310300 320100 330100 390100 390200 410100 510100 610100 620100 999997".split()
CLR_TYPES = (
    "310111 310211 310411 310112 310212 310412 390111 390211 390411 390112 390212 390412"
    " 11 14 21 41 9974 99963 99968 9987 99952"
).split()
TEN_TRILLION = 10**13
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
DAY_MICROS = 86_400_000_000


class NotAnInteger:
    """Stands for a JSON number with a fraction or an exponent: a number, but never an integer."""


def is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def days_of_month(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def is_calendar_date(year: int, month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= days_of_month(year, month)


def day_number(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the proleptic calendar, also for the years 0 and 9999, where datetime gives up."""
    shifted = year - 1 if month <= 2 else year
    era = shifted // 400
    year_of_era = shifted - era * 400
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * 146_097 + day_of_era - 719_468


FIRST_MICROS = day_number(2000, 1, 1) * DAY_MICROS
END_MICROS = day_number(2100, 1, 1) * DAY_MICROS


def pattern(regex: str) -> Callable[[object], str | None]:
    compiled = re.compile(regex, re.ASCII)

    def check(value: object) -> str | None:
        if not isinstance(value, str):
            return "wrong_type"
        return None if compiled.fullmatch(value) else "bad_format"

    return check


def whole_number(low: int, high: int) -> Callable[[object], str | None]:
    def check(value: object) -> str | None:
        if not is_int(value):
            return "wrong_type"
        return None if low <= value <= high else "out_of_range"  # type: ignore[operator]

    return check


def one_of(words: list[str]) -> Callable[[object], str | None]:
    def check(value: object) -> str | None:
        if not isinstance(value, str):
            return "wrong_type"
        return None if value in words else "unknown_code"

    return check


def led_by_party(regex: str) -> Callable[[object], str | None]:
    form = pattern(regex)

    def check(value: object) -> str | None:
        fault = form(value)
        if fault:
            return fault
        return None if str(value)[:2] in PARTIES else "unknown_code"

    return check


def check_text(value: object) -> str | None:
    if not isinstance(value, str):
        return "wrong_type"
    if any(ord(letter) <= 0x1F or 0x7F <= ord(letter) <= 0x9F for letter in value):
        return "bad_format"
    return None if 1 <= len(value) <= 500 else "out_of_range"


def check_person(value: object) -> str | None:
    fault = pattern("[0-9]{17}[0-9X]")(value)
    if fault:
        return fault
    number = str(value)
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(weight * int(digit) for weight, digit in zip(weights, number, strict=False))
    if "10X98765432"[total % 11] != number[17]:
        return "bad_format"
    year, month, day = int(number[6:10]), int(number[10:12]), int(number[12:14])
    return None if year >= 1 and is_calendar_date(year, month, day) else "bad_format"


def check_credit_code(value: object) -> str | None:
    fault = pattern(f"[{CREDIT_ALPHABET}]{{18}}")(value)
    if fault:
        return fault
    values = [CREDIT_ALPHABET.index(letter) for letter in str(value)]
    total = sum(values[place] * pow(3, place, 31) for place in range(17))
    return None if values[17] == (31 - total % 31) % 31 else "bad_format"


def check_card_number(value: object) -> str | None:
    fault = pattern("[0-9A-Z]{8}[0-9X]")(value)
    if fault:
        return fault
    number = str(value)
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(weight * int(letter, 36) for weight, letter in zip(weights, number, strict=False))
    rest = 11 - total % 11
    expected = {10: "X", 11: "0"}.get(rest, str(rest))
    return None if number[8] == expected else "bad_format"


def check_date(value: object) -> str | None:
    fault = pattern("[0-9]{4}-[0-9]{2}-[0-9]{2}")(value)
    if fault:
        return fault
    year, month, day = (int(part) for part in str(value).split("-"))
    if not is_calendar_date(year, month, day):
        return "bad_format"
    return None if 2000 <= year <= 2099 else "out_of_range"


def check_month(value: object) -> str | None:
    fault = pattern("[0-9]{4}-[0-9]{2}")(value)
    if fault:
        return fault
    year, month = (int(part) for part in str(value).split("-"))
    if not 1 <= month <= 12:
        return "bad_format"
    return None if 2000 <= year <= 2099 else "out_of_range"


INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))",
    re.ASCII,
)


def instant_micros(text: str) -> int | None:
    """Microseconds since 1970 in UTC, or None when the text is no instant."""
    found = INSTANT.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(found[n]) for n in range(1, 7))
    if not is_calendar_date(year, month, day) or hour > 23 or minute > 59 or second > 59:
        return None
    fraction = int((found[7] or "0").ljust(6, "0"))
    offset = 0
    if found[8]:
        offset_hours, offset_minutes = int(found[9]), int(found[10])
        if offset_minutes > 59 or offset_hours * 60 + offset_minutes > 14 * 60:
            return None
        offset = (offset_hours * 60 + offset_minutes) * (1 if found[8] == "+" else -1)
    minutes = day_number(year, month, day) * 1440 + hour * 60 + minute - offset
    return (minutes * 60 + second) * 1_000_000 + fraction


def check_instant(value: object) -> str | None:
    if not isinstance(value, str):
        return "wrong_type"
    micros = instant_micros(value)
    if micros is None:
        return "bad_format"
    return None if FIRST_MICROS <= micros < END_MICROS else "out_of_range"


def check_bool(value: object) -> str | None:
    return None if isinstance(value, bool) else "wrong_type"


def funds(smallest: int, largest: int | None) -> Callable[[object], str | None]:
    amount = whole_number(1, TEN_TRILLION)

    def check(value: object) -> str | None:
        if not isinstance(value, dict):
            return "wrong_type"
        if len(value) < smallest or (largest is not None and len(value) > largest):
            return "out_of_range"
        for key in sorted(value):
            if key not in FUND_TYPES:
                return "unknown_code"
            fault = amount(value[key])
            if fault:
                return fault
        return None

    return check


def list_of(element: Callable[[object], str | None], least: int, most: int) -> Callable[[object], str | None]:
    def check(value: object) -> str | None:
        if not isinstance(value, list):
            return "wrong_type"
        if not least <= len(value) <= most:
            return "out_of_range"
        for item in value:
            fault = element(item)
            if fault:
                return fault
        return "bad_format" if len(set(value)) < len(value) else None

    return check


FORMATS: dict[str, Callable[[object], str | None]] = {
    "id": pattern("[A-Za-z0-9][A-Za-z0-9._-]{0,63}"),
    "ref": pattern("[!-~]{1,128}"),
    "text": check_text,
    "hash": pattern("[0-9a-f]{64}"),
    "card_sn": led_by_party("[0-9]{6}D156000005[0-9A-F]{16}"),
    "card_number": check_card_number,
    "person": check_person,
    "credit_code": check_credit_code,
    "amount": whole_number(1, TEN_TRILLION),
    "amount0": whole_number(0, TEN_TRILLION),
    "signed": whole_number(-TEN_TRILLION, TEN_TRILLION),
    "count": whole_number(0, 2_147_483_647),
    "count1": whole_number(1, 2_147_483_647),
    "bool": check_bool,
    "date": check_date,
    "month": check_month,
    "instant": check_instant,
    "area": led_by_party("[0-9]{6}"),
    "province": led_by_party("[0-9]{2}"),
    "city": pattern("[0-9]{4}"),
    "year": pattern("20[0-9]{2}"),
    "insutype": one_of(INSUTYPES),
    "med_type": one_of(MED_TYPES),
    "clr_type": one_of(CLR_TYPES),
    "fund_type": one_of(FUND_TYPES),
    "funds": funds(0, None),
    "funds1": funds(1, 20),
    "ids": list_of(pattern("[A-Za-z0-9][A-Za-z0-9._-]{0,63}"), 1, 100),
    "matters": list_of(one_of(["ALL", "CARD", "MEDICAL", "TRANSIT", "SERVICE"]), 1, 5),
}
