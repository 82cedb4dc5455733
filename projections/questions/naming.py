"""What is said of a name that nothing is known by: which one it was, and what it looks like.

A person's number is never repeated, whoever typed it where: it is masked as in a reject (contract 0.6). So is what may
be one that is mistyped, and the rest of the name is left, since it is the rest that tells whoever looks for the error.
"""

import re
from datetime import date
from typing import Final

from ledger.core.fields import CARD_SN
from ledger.core.provinces import PARTIES
from projections.questions.snapshot import Unknown

STREAM_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LONGEST: Final = 64
DIGITS: Final = re.compile(r"\d(?:[\W_]{0,2}\d){14,}(?:[\W_]{0,2}[Xx](?![^\W_]))?")  # as people group them
WHOLE: Final = 18
OF_OLD: Final = 15  # numbers of persons had no century and no check character once
PLACES: Final = PARTIES | {"71", "81", "82", "83"}
FORM: Final = "a card_sn is 32 characters in upper case (6 digits, D156000005, 16 of 0-9 A-F), a card_id has dashes"


def unknown_card(name: str, where: str) -> Unknown:
    """`where`: was looked for it, in words."""
    return Unknown("card_unknown", f"no card is known by {quoted(name)} {where}{_advice(name)}")


def quoted(name: str, kind: str = "name") -> str:
    """A name as it was typed, but for what may be a person's number."""
    if len(name) > LONGEST:
        return f"this {kind} of {len(name)} characters"
    return f"the {kind} {name if _is_of_a_card(name) else masked(name)!r}"


def masked(text: str) -> str:
    """A text without numbers of persons: 18 characters by themselves, and others that begin like one."""
    return DIGITS.sub(_masked, text)


def _masked(run: re.Match[str]) -> str:
    text = run[0]
    places = [place for place, character in enumerate(text) if character.isalnum()]
    number = "".join(text[place] if text[place] in "Xx" else str(int(text[place])) for place in places)
    if len(number) in (OF_OLD, WHOLE - 1) and _begins_like_a_persons(number):
        return f"{number[:6]}********{number[-3:]}"
    for first in range(len(number) - WHOLE + 1):
        found = number[first : first + WHOLE]
        before, after = places[first], places[first + WHOLE - 1] + 1
        is_alone = after - before == WHOLE and not (text[:before][-1:] + text[after:][:1]).isalnum()
        if is_alone or _begins_like_a_persons(found):
            return f"{text[:before]}{found[:6]}********{found[-4:]}{masked(text[after:])}"
    return text


def _begins_like_a_persons(number: str) -> bool:
    """Whether it says where and when somebody may be born."""
    born = f"19{number[6:12]}" if len(number) == OF_OLD else number[6:14]
    try:
        day = date(int(born[:4]), int(born[4:6]), int(born[6:]))
    except ValueError:
        return False
    return number[:2] in PLACES and 1900 <= day.year < 2100


def _is_of_a_card(name: str) -> bool:
    return bool(CARD_SN.fullmatch(name.upper()) or STREAM_ID.fullmatch(name.lower()))


def _advice(name: str) -> str:
    if CARD_SN.fullmatch(name) or STREAM_ID.fullmatch(name.lower()):
        return ""
    if CARD_SN.fullmatch(name.upper()):
        return f"; a card_sn is written in upper case: {name.upper()}"
    return f"; {FORM}"
