"""Where the simulated people live, ride and are treated: real area codes of all 32 parties, and names built from them.

A party missing from this table could not be simulated, so every party has at least two places.
"""

from __future__ import annotations

CITIES: dict[str, tuple[str, ...]] = {
    "11": ("110101", "110105", "110108"),
    "12": ("120101", "120103", "120104"),
    "13": ("130100", "130200", "130600"),
    "14": ("140100", "140200", "140400"),
    "15": ("150100", "150200", "150400"),
    "21": ("210100", "210200", "210300"),
    "22": ("220100", "220200"),
    "23": ("230100", "230200", "230600"),
    "31": ("310101", "310106", "310115"),
    "32": ("320100", "320500", "320200"),
    "33": ("330100", "330200", "330400"),
    "34": ("340100", "340200", "341100"),
    "35": ("350100", "350200", "350500"),
    "36": ("360100", "360400"),
    "37": ("370100", "370200", "370600"),
    "41": ("410100", "410300"),
    "42": ("420100", "420500"),
    "43": ("430100", "430200"),
    "44": ("440100", "440300", "440600"),
    "45": ("450100", "450300"),
    "46": ("460100", "460200"),
    "50": ("500101", "500103", "500112"),
    "51": ("510100", "510700", "511300"),
    "52": ("520100", "520300"),
    "53": ("530100", "530300"),
    "54": ("540100", "540200"),
    "61": ("610100", "610300"),
    "62": ("620100", "620500"),
    "63": ("630100", "630200"),
    "64": ("640100", "640300"),
    "65": ("650100", "650200"),
    "66": ("660100", "660800"),
}
ONE_FARE_ZONE = frozenset({"11", "12", "31", "50"})
BANKS = ("ICBC", "ABC", "BOC", "CCB", "BCM", "PSBC", "CMB")
VILLAGES = ("新华村三组", "红旗村一组", "和平社区", "东升村五组", "前进村二组", "柳河村四组")
HOSPITALS_PER_AREA = 12
PHARMACIES_PER_AREA = 12


def hospitals(area: str) -> tuple[str, ...]:
    """Designated hospitals of an area, in the national form H + area + five digits."""
    return tuple(f"H{area}{101 + 11 * k:05d}" for k in range(HOSPITALS_PER_AREA))


def pharmacies(area: str) -> tuple[str, ...]:
    return tuple(f"P{area}{2001 + 13 * k:05d}" for k in range(PHARMACIES_PER_AREA))


def inter_city(issuing_area: str, operating_area: str) -> bool:
    """Whether a ride there makes an obligation between two cities, by the rule of the ledger."""
    if issuing_area[:4] == operating_area[:4]:
        return False
    if issuing_area[:2] != operating_area[:2]:
        return True
    return not (issuing_area[:2] in ONE_FARE_ZONE or issuing_area.endswith("0000") or operating_area.endswith("0000"))
