"""The whole log as lists of dictionaries, and the plain questions every family asks of it.

Nothing is remembered between commands except the events themselves: balances are sums over all postings, states are
found by reading events again from the beginning."""

import datetime
import hashlib
import uuid
from typing import Any

from tests.model.formats import DAY_MICROS, days_of_month

Event = dict[str, Any]
Command = dict[str, Any]
Postings = dict[str, int]

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:onecard-ledger")
CHINA_OFFSET_MICROS = 8 * 3_600_000_000

DEFAULTS: dict[str, Any] = {
    "clock.future_tolerance_seconds": 300,
    "calendar.holidays": [],
    "calendar.workdays": [],
    "card.temporary_loss_days": 5,
    "card.temporary_loss_working_days": False,
    "card.formal_loss_liftable": True,
    "card.guardian_below_age": 16,
    "payout.disclosure_working_days": None,  # by the kind of batch
    "payout.ceiling_fen": None,
    "medical.registration_required_inpatient": True,
    "medical.registration_required_other": False,
    "medical.temporary_registration_months": 6,
    "medical.registration_lock_months": 6,
    "medical.clear_personal_account": True,
    "family_aid.max_transfer_fen": 200000,
    "family_aid.max_transfers_per_day": 3,
    "transit.offline_grace_fen": 1000,
    "transit.late_days": 30,
    "transit.blacklist_delay_minutes": 1440,
    "transit.journey_timeout_minutes": 240,
    "transit.day_cut_minutes": 180,
    "transit.purse_max_fen": 100000,
    "pass.activation_days": 90,
    "clearing.negative_pair": "FLIP",
    "clearing.max_deferrals": 2,
    "prepayment.multiple": 2,
    "prepayment.yellow_percent": 70,
    "prepayment.red_percent": 90,
    "retention.years": 30,
}


# Dates are ISO text, so that comparing them is comparing text.


def china_date(micros: int, minus_minutes: int = 0) -> str:
    local = micros + CHINA_OFFSET_MICROS - minus_minutes * 60_000_000
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=local // DAY_MICROS)).isoformat()


def midnight_micros(date: str) -> int:
    """The instant at which a date begins in China Standard Time."""
    days = (datetime.date.fromisoformat(date) - datetime.date(1970, 1, 1)).days
    return days * DAY_MICROS - CHINA_OFFSET_MICROS


def plus_days(date: str, days: int) -> str:
    return (datetime.date.fromisoformat(date) + datetime.timedelta(days=days)).isoformat()


def plus_months(date: str, months: int) -> str:
    year, month, day = (int(part) for part in date.split("-"))
    count = year * 12 + (month - 1) + months
    year, month = count // 12, count % 12 + 1
    return f"{year:04d}-{month:02d}-{min(day, days_of_month(year, month)):02d}"


def last_day(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{month}-{days_of_month(year, number):02d}"


def instant_text(micros: int) -> str:
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=micros)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def stream_id(name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, name))


class Log:
    """Every event recorded so far, in order; streams, names and accounts only list the same events in other ways."""

    def __init__(self, config_entries: list[dict[str, Any]], secret: bytes) -> None:
        self.config_entries = config_entries
        self.secret = secret
        self.events: list[Event] = []
        self.streams: dict[str, list[Event]] = {}
        self.names: dict[str, list[Event]] = {}
        self.references: dict[tuple[str, str], list[Event]] = {}
        self.accounts: dict[str, list[tuple[int, int]]] = {}

    # what was recorded

    def of(self, *names: str) -> list[Event]:
        """The events of these names, by position."""
        if len(names) == 1:
            return self.names.get(names[0], [])
        found = [event for name in names for event in self.names.get(name, [])]
        return sorted(found, key=lambda event: event["position"])

    def first(self, name: str, **wanted: Any) -> Event | None:
        for event in self.names.get(name, []):
            if all(event.get(field) == value for field, value in wanted.items()):
                return event
        return None

    def all(self, name: str, **wanted: Any) -> list[Event]:
        return [
            event
            for event in self.names.get(name, [])
            if all(event.get(field) == value for field, value in wanted.items())
        ]

    def on(self, stream: str, *names: str) -> list[Event]:
        return [event for event in self.streams.get(stream, []) if event["event"] in names]

    def balance(self, account: str) -> int:
        return sum(amount for _, amount in self.accounts.get(account, []))

    def submitted(self, submitter: str, reference: str) -> Event | None:
        """The (first) event a submitter's reference made."""
        made = self.references.get((submitter, reference), [])
        return made[0] if made else None

    # what is configured

    def config(self, key: str, date: str, province: str | None = None, programme: str | None = None) -> Any:
        scopes = [f"{province}:{programme}", province, "*"]
        for scope in scopes:
            in_force = None
            for entry in self.config_entries:
                matches = entry["key"] == key and entry["scope"] == scope and entry["effective_from"] <= date
                if matches and (in_force is None or entry["effective_from"] >= in_force["effective_from"]):
                    in_force = entry
            if in_force is not None:
                return in_force["value"]
        return DEFAULTS[key]

    def working_day(self, date: str, number: int, decided_on: str) -> str:
        """wd(date, number): the number-th working day strictly after the date; the date itself for 0."""
        holidays = self.config("calendar.holidays", decided_on)
        workdays = self.config("calendar.workdays", decided_on)
        while number > 0:
            date = plus_days(date, 1)
            weekday = datetime.date.fromisoformat(date).weekday() < 5
            if (weekday and date not in holidays) or date in workdays:
                number -= 1
        return date

    # recording

    def append(self, stream: str, name: str, command: Command, derived: dict[str, Any], postings: Postings) -> Event:
        event: Event = {**command, **derived}
        event.update(
            event=name,
            stream=stream,
            version=len(self.streams.get(stream, [])) + 1,
            position=len(self.events) + 1,
            business_date=command["bdate"],
            postings={account: amount for account, amount in sorted(postings.items()) if amount != 0},
        )
        if sum(postings.values()) != 0:
            raise AssertionError(f"{name} does not balance: {postings}")
        self.events.append(event)
        self.streams.setdefault(stream, []).append(event)
        self.names.setdefault(name, []).append(event)
        self.references.setdefault((event["submitter"], event["reference"]), []).append(event)
        for account, amount in event["postings"].items():
            self.accounts.setdefault(account, []).append((event["position"], amount))
        return event


class Planned:
    """An event a decision wants to record."""

    def __init__(
        self, stream: str, name: str, derived: dict[str, Any] | None = None, postings: Postings | None = None
    ) -> None:
        self.stream = stream
        self.name = name
        self.derived = derived or {}
        self.postings = postings or {}


def legs(*pairs: tuple[str, int]) -> Postings:
    """Several legs on one account count as one."""
    total: Postings = {}
    for account, amount in pairs:
        total[account] = total.get(account, 0) + amount
    return total


def mirrored(postings: Postings) -> Postings:
    return {account: -amount for account, amount in postings.items()}


def sha256_hex(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
