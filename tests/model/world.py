"""A small country for the histories: few people, few institutions, one running clock, so that all meet all.

The world runs the model as it goes and looks into its log, which is how an act knows what exists to be acted upon."""

import json
import random
from collections import Counter
from typing import Any

from tests.model.formats import CREDIT_ALPHABET, PARTIES
from tests.model.ledger import Model, Outcome
from tests.model.presence import bearer, last_state
from tests.model.shape import person_key
from tests.model.state import Event, Log, china_date, instant_text, midnight_micros, plus_days

Command = dict[str, Any]

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
START = midnight_micros("2024-03-01")
CLOCK_MICROS = midnight_micros("2026-01-01") + 8 * HOUR
SECRET = b"histories"
ENOUGH = 6  # refusals by one code; of further ones only every second is told
AREAS = {
    "34": ["340100", "340200", "340000"],
    "31": ["310106", "310000"],
    "32": ["320100", "320500"],
    "33": ["330100", "330200"],
    "11": ["110000", "110101"],
}
SUBMITTERS = ["agency-34", "agency-31", "H31010600123", "bank.ABC", "metro_31"]


def _social_security_number(area: str, birth: str, serial: int) -> str:
    body = f"{area}{birth}{serial:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(weight * int(digit) for weight, digit in zip(weights, body, strict=True))
    return body + "10X98765432"[total % 11]


def _credit_code(serial: int) -> str:
    body = f"91{serial:015d}"
    total = sum(CREDIT_ALPHABET.index(letter) * pow(3, place, 31) for place, letter in enumerate(body))
    return body + CREDIT_ALPHABET[(31 - total % 31) % 31]


def card_number(serial: int) -> str:
    body = f"A{serial:07d}"
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    rest = 11 - sum(weight * int(letter, 36) for weight, letter in zip(weights, body, strict=True)) % 11
    return body + {10: "X", 11: "0"}.get(rest, str(rest))


class World:
    def __init__(self, seed: int, lines: int, config: list[dict[str, Any]]) -> None:
        self.rng = random.Random(seed)
        self.model = Model(CLOCK_MICROS, config, SECRET)
        self.now = START
        self.step = max(1, (CLOCK_MICROS - 3 * DAY - START) // max(lines, 1))
        self.lines: list[bytes] = []
        self.outcomes: list[Outcome] = []
        self.sent: list[Command] = []
        self.serial = 0
        self.refused: Counter[str] = Counter()
        self.voided_ahead: list[tuple[str, str]] = []
        births = ["19600101", "19850404", "19640229", "20110630", "19991231", "20081115", "19701010", "20160229"]
        self.people = [
            _social_security_number(self.area(), birth, 10 + number) for number, birth in enumerate(births + births[:5])
        ]
        self.in_clear = {person_key(SECRET, number): number for number in self.people}
        self.clerks = [_social_security_number("340101", "19800505", serial) for serial in (901, 902, 903)]
        self.companies = [_credit_code(serial) for serial in (1, 2, 3)]

    @property
    def log(self) -> Log:
        return self.model.log

    @property
    def today(self) -> str:
        return china_date(self.now)

    # choosing

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def pick(self, things: Any) -> Any:
        return self.rng.choice(list(things))

    def recent(self, things: list[Any], most: int = 12) -> Any:
        """One of the last few, or None where there is nothing."""
        return self.rng.choice(things[-most:]) if things else None

    def amount(self, most: int = 3000) -> int:
        return self.rng.choice([1, 100, most]) if self.chance(0.1) else self.rng.randint(1, most)

    def fresh(self, kind: str) -> str:
        self.serial += 1
        return f"{kind}{self.serial}"

    def new_id(self, kind: str, used: list[Any], reuse: float = 0.04) -> str:
        """A new identifier, now and then one that is taken."""
        return str(self.pick(used)) if used and self.chance(reuse) else self.fresh(kind)

    def province(self) -> str:
        return str(self.rng.choice(["34", "34", "31", "31", "32", "33", "11"]))

    def area(self, province: str | None = None) -> str:
        province = province or self.province()
        return str(self.rng.choice(AREAS.get(province, [f"{province}0100"])))

    def day(self, low: int, high: int) -> str:
        return plus_days(self.today, self.rng.randint(low, high))

    # people and cards

    def person(self) -> str:
        return str(self.rng.choice(self.people))

    def cards(self, personal: bool = True) -> list[str]:
        return [event["stream"] for event in self.log.of("CardIssued" if personal else "EnterpriseCardIssued")]

    def card(self) -> str:
        """Mostly a card in use; sometimes a lost, locked or cancelled one, or one of a company."""
        if self.chance(0.02) and self.cards(personal=False):
            return str(self.pick(self.cards(personal=False)))
        cards = self.cards()
        active = [card for card in cards if last_state(self.log, card) == "ACTIVE"]
        return str(self.pick(active if active and self.chance(0.94) else cards))

    def living_card(self) -> str:
        """A card that is not cancelled, in any state."""
        cards = [*self.cards(), *self.cards(personal=False)]
        living = [card for card in cards if last_state(self.log, card) != "CANCELLED"]
        return str(self.pick(living if living and self.chance(0.97) else cards))

    def numbers(self, card: str) -> list[str]:
        first: str = self.log.streams[card][0]["card_sn"]
        return [first, *(event["new_card_sn"] for event in self.log.on(card, "CardReplaced"))]

    def number(self, card: str) -> str:
        numbers = self.numbers(card)
        if self.chance(0.008):
            return "340000D156000005" + "F" * 16
        return str(numbers[-1] if self.chance(0.97) else self.pick(numbers))

    def holder(self, card: str) -> str:
        key = self.log.streams[card][0].get("social_security_number")
        return self.in_clear[key] if key else self.person()

    def home(self, card: str) -> str:
        return str(self.log.streams[card][0]["card_sn"])[:2]

    # time and text

    def instant(self, late: float = 0.15) -> int:
        """Now, or some time ago for a fact that arrives late."""
        if self.chance(late):
            back = self.pick([HOUR, 6 * HOUR, 2 * DAY, 20 * DAY, 70 * DAY])
            return max(START - DAY, self.now - self.rng.randint(1, back))
        return self.now

    def text(self, micros: int) -> str:
        """One of the ways to write an instant."""
        kind = self.rng.randint(0, 3)
        if kind == 0:
            return instant_text(micros)
        if kind == 1 and micros % 1_000_000 == 0:
            return instant_text(micros)[:19] + "Z"
        offset, sign = (8 * 60, "+") if kind == 2 else self.pick([(330, "+"), (14 * 60, "+"), (210, "-"), (0, "-")])
        local = micros + (offset * MINUTE if sign == "+" else -offset * MINUTE)
        return f"{instant_text(local)[:26].rstrip('0').rstrip('.')}{sign}{offset // 60:02d}:{offset % 60:02d}"

    # saying it

    def command(self, name: str, at: int | None = None, **fields: Any) -> Command:
        """A command with its envelope; a field that is None is left out."""
        envelope = {
            "command": name,
            "submitter": self.pick(SUBMITTERS),
            "reference": self.fresh("r"),
            "occurred_at": self.text(self.instant() if at is None else at),
        }
        if self.chance(0.02) and {"province", "card_sn"} & set(fields):
            envelope |= {"scheme": "YRD", "scheme_item": self.pick(["transit", "medical.1", "library"])}
        if self.chance(0.1):
            envelope["channel"] = self.pick(["COUNTER", "WEB", "PHYSICAL_CARD"])
        return {**envelope, **{field: value for field, value in fields.items() if value is not None}}

    def on_card(self, name: str, card: str, at: int | None = None, **fields: Any) -> Command:
        number = self.number(card)
        at = self.instant() if at is None else at
        recorded = bearer(self.log, number)
        if recorded and at < recorded["occurred_at"] and self.chance(0.9):
            at = max(self.now, recorded["occurred_at"])
        return self.command(name, at, card_sn=number, **fields)

    def write(self, command: Command) -> bytes:
        items = list(command.items())
        if self.chance(0.3):
            self.rng.shuffle(items)
        if self.chance(0.03):
            items.insert(self.rng.randint(0, len(items)), ("note", None))
        spaced = (", ", ": ") if self.chance(0.1) else (",", ":")
        return json.dumps(dict(items), ensure_ascii=self.chance(0.5), separators=spaced).encode("utf-8")

    def say(self, command: Command) -> Outcome:
        return self.say_raw(self.write(command), command)

    def say_raw(self, raw: bytes, command: Command) -> Outcome:
        outcome = self.model.submit_line(raw)
        if outcome is None:
            raise AssertionError("a history has no blank lines")
        if outcome.code:
            self.refused[outcome.code] += 1
            if self.refused[outcome.code] > ENOUGH and self.chance(0.5):
                return outcome  # a refusal leaves no trace, so the line may as well not have been written
        self.lines.append(raw)
        self.outcomes.append(outcome)
        self.sent.append(command)
        return outcome

    def ids(self, name: str, field: str, most: int = 40) -> list[Any]:
        """Identifiers recorded lately by events of this name."""
        return [event[field] for event in self.log.of(name)[-most:]]

    def event(self, name: str, most: int = 25) -> Event | None:
        found: Event | None = self.recent(self.log.of(name), most)
        return found


OTHER_PARTIES = [party for party in PARTIES if party not in AREAS]
