"""What is said of a name that no card, enterprise or person is known by: which one it was, and what it looks like.

A person's number is never repeated, whoever typed it where (contract 0.6); so nothing is that could be one.
"""

import re
from typing import Final

from ledger.core.fields import CARD_SN
from projections.questions.snapshot import Unknown

STREAM_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LONGEST: Final = 64
SEPARATORS: Final = re.compile(r"[\W_]")
PERSONS_DIGITS: Final = re.compile(r"\d{15}")  # numbers of persons had 15 digits once, and have 17 or 18
FORM: Final = "a card_sn is 32 characters in upper case (6 digits, D156000005, 16 of 0-9 A-F), a card_id has dashes"


def unknown_card(name: str, where: str) -> Unknown:
    """`where`: was looked for it, in words."""
    return Unknown("card_unknown", f"no card is known by {quoted(name)} {where}{_advice(name)}")


def quoted(name: str, kind: str = "name") -> str:
    """A name as it was typed, if it cannot be a person's number."""
    if _is_of_a_card(name) or (len(name) <= LONGEST and not PERSONS_DIGITS.search(SEPARATORS.sub("", name))):
        return f"the {kind} {name!r}"
    return f"this {kind} of {len(name)} characters"


def _is_of_a_card(name: str) -> bool:
    return bool(CARD_SN.fullmatch(name.upper()) or STREAM_ID.fullmatch(name.lower()))


def _advice(name: str) -> str:
    if CARD_SN.fullmatch(name) or STREAM_ID.fullmatch(name.lower()):
        return ""
    if CARD_SN.fullmatch(name.upper()):
        return f"; a card_sn is written in upper case: {name.upper()}"
    return f"; {FORM}"
