"""Closed lists of reference data (contract 0.4) and what area codes say."""

from typing import Final

PARTIES: Final = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 66".split()
)
INSUTYPES: Final = frozenset("310 320 330 340 350 360 370 380 390 391 392 399 410 510".split())
MED_TYPES: Final = frozenset("11 12 13 1301 14 18 2101 2102 22 28 41 51 52 71 9903".split())
INPATIENT: Final = frozenset("2101 2102 22 52".split())
EMERGENCY: Final = frozenset("13 1301".split())
FUND_TYPES: Final = frozenset("310100 310300 320100 330100 390100 390200 410100 510100 610100 620100 999997".split())
CLR_TYPES: Final = frozenset(
    "310111 310211 310411 310112 310212 310412 390111 390211 390411 390112 390212 390412"
    " 11 14 21 41 9974 99963 99968 9987 99952".split()
)
SCHEMES: Final = {
    "YRD": frozenset("31 32 33 34".split()),
    "JJJ": frozenset("11 12 13".split()),
    "CY": frozenset("50 51".split()),
    "HGG": frozenset("44 45 46".split()),
}
MUNICIPALITIES: Final = frozenset("11 12 31 50".split())
PERSONAL_ACCOUNT_FUND: Final = "310200"


def province(area: str) -> str:
    """First two digits of an area code or card_sn."""
    return area[:2]


def city(area: str) -> str:
    """First four digits: transit obligations are between cities (contract section 5)."""
    return area[:4]
