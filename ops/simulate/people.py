"""Who holds card number i: everything about a holder is computed from i, so a population costs no memory.

Numbers carry valid check characters (social security number: ISO 7064 MOD 11-2; card number: GB 11714 style). Two
simulations with different seeds share no card, no reference and no id, so both can be submitted to one ledger.
"""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from operator import mul

from ops.simulate.places import BANKS, CITIES

ELDERLY, WORKER, STUDENT, CHILD = 0, 1, 2, 3
SLOTS = 64
PER_DAY = 997
OLDEST, RETIRED, GROWN, OF_AGE, YOUNGEST = 88, 60, 23, 18, 6
DAYS = (OLDEST - YOUNGEST) * 365
CAPACITY = DAYS * PER_DAY
STRIDE = 15_485_863
PERSON_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CARD_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def person_number(seventeen: str) -> str:
    """A social security number from its first 17 digits."""
    return seventeen + "10X98765432"[sum(map(mul, PERSON_WEIGHTS, map(int, seventeen))) % 11]


def card_number(eight: str) -> str:
    """A card number from its first eight characters."""
    check = 11 - sum(weight * int(char, 36) for weight, char in zip(CARD_WEIGHTS, eight, strict=True)) % 11
    return eight + ("X" if check == 10 else "0" if check == 11 else str(check))


def credit_code(seventeen: str) -> str:
    """A unified social credit code from its first 17 characters."""
    total = sum(pow(3, k, 31) * CREDIT_ALPHABET.index(char) for k, char in enumerate(seventeen))
    return seventeen + CREDIT_ALPHABET[(31 - total % 31) % 31]


class People:
    """The holders of one simulation: a numbering from 0, spread evenly over the provinces and their cities."""

    def __init__(self, seed: int, provinces: tuple[str, ...], cities_each: int, year: int) -> None:
        digest = sha256(f"onecard simulate {seed}".encode()).digest()
        self.tag = digest[:3].hex().upper()
        self._offset = int.from_bytes(digest[3:11], "big") % CAPACITY
        self._letter = digest[11]
        self._first_birth = date(year - OLDEST, 1, 1).toordinal()
        self._first_worker = date(year - RETIRED, 1, 1).toordinal() - self._first_birth
        self._first_student = date(year - GROWN, 1, 1).toordinal() - self._first_birth
        self._first_child = date(year - OF_AGE, 1, 1).toordinal() - self._first_birth
        self.areas: dict[str, tuple[str, ...]] = {p: CITIES[p][:cities_each] for p in provinces}
        homes = []
        for slot in range(SLOTS):
            cities = self.areas[provinces[slot % len(provinces)]]
            homes.append(cities[slot // len(provinces) % len(cities)])
        self.homes = tuple(homes)

    def area(self, i: int) -> str:
        """The issuing and insured area of card i."""
        return self.homes[i % SLOTS]

    def birth(self, i: int) -> int:
        """Day of birth, counted from the first possible one."""
        return (i * STRIDE + self._offset) % CAPACITY // PER_DAY

    def group(self, i: int) -> int:
        born = self.birth(i)
        if born < self._first_worker:
            return ELDERLY
        if born < self._first_student:
            return WORKER
        return STUDENT if born < self._first_child else CHILD

    def employee_scheme(self, i: int) -> bool:
        """Insured as an employee (or retired from one): three of four among the grown-up."""
        return self.birth(i) < self._first_student and (i * 2_654_435_761 >> 7) & 3 != 0

    def sn(self, i: int, generation: int = 0) -> str:
        return f"{self.homes[i % SLOTS]}D156000005{self.tag}{i:08X}{generation:02X}"

    def number(self, i: int, generation: int = 0) -> str:
        """The printed card number; a replacement gets another one."""
        letter = chr(ord("A") + (self._letter + generation) % 26)
        return card_number(f"{letter}{i % 10_000_000:07d}")

    def person(self, i: int) -> str:
        born, order = divmod((i * STRIDE + self._offset) % CAPACITY, PER_DAY)
        area = self.homes[i % SLOTS]
        district = area[:4] + "02" if area.endswith("00") else area
        day = date.fromordinal(self._first_birth + born).isoformat()
        return person_number(f"{district}{day[:4]}{day[5:7]}{day[8:]}{order + 1:03d}")

    def adult(self, i: int) -> int:
        """The nearest card before i whose holder is grown up: a child's guardian, a household's head."""
        j = i - 1
        while self.group(j) > WORKER:
            j -= 1
        return j

    def bank(self, i: int) -> str:
        return BANKS[i % len(BANKS)]

    def bank_account(self, i: int) -> str:
        return sha256(f"{self.tag} account {i}".encode()).hexdigest()
