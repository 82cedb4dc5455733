"""The four kinds of traffic that can be asked for: a whole working day, or one family alone for a bench.

Shares are in 1/1024 of the steps of the working day. Cross-province settlements are far more frequent than the nation's
4 %, otherwise a small run would hardly have a clearing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mix:
    """How many cards a line count carries, what each card starts with, and what the day is made of."""

    cards_per_10000: int
    payout_lines_per_10000: int
    bank: int
    contribution: int
    top_up: int
    electronic: int
    taps: int
    settlements: int
    family_aid: int
    life_cycle: int
    refusals: int
    services: int
    cross_province: int
    clearing: bool
    administration: bool


MIXES: dict[str, Mix] = {
    "day": Mix(
        cards_per_10000=550,
        payout_lines_per_10000=400,
        bank=700,
        contribution=560,
        top_up=600,
        electronic=160,
        taps=450,
        settlements=390,
        family_aid=22,
        life_cycle=36,
        refusals=30,
        services=60,
        cross_province=220,
        clearing=True,
        administration=True,
    ),
    "taps": Mix(
        cards_per_10000=350,
        payout_lines_per_10000=0,
        bank=0,
        contribution=0,
        top_up=1024,
        electronic=0,
        taps=1004,
        settlements=0,
        family_aid=0,
        life_cycle=0,
        refusals=16,
        services=0,
        cross_province=0,
        clearing=False,
        administration=False,
    ),
    "settlements": Mix(
        cards_per_10000=700,
        payout_lines_per_10000=0,
        bank=0,
        contribution=700,
        top_up=0,
        electronic=160,
        taps=0,
        settlements=940,
        family_aid=24,
        life_cycle=0,
        refusals=16,
        services=0,
        cross_province=400,
        clearing=True,
        administration=False,
    ),
    "pension": Mix(
        cards_per_10000=2_200,
        payout_lines_per_10000=2_150,
        bank=0,
        contribution=0,
        top_up=0,
        electronic=0,
        taps=0,
        settlements=0,
        family_aid=0,
        life_cycle=0,
        refusals=0,
        services=0,
        cross_province=0,
        clearing=False,
        administration=False,
    ),
}
