"""A ledger in memory: given commands, when one more is submitted, then its events or its refusal.

    ledger = Ledger({"key": "transit.late_days", "effective_from": "2025-01-01", "value": 5})
    ledger.given(IssueCard={...}, ActivateCard={...})     # each must be recorded; answers all their events
    ledger.submit({"command": "LockCard", ...})           # answers the list of events, or the code of the refusal

For the tests of every family. The product's own table, registry, recording and codec do the work; only the store is a
dictionary. Submitter and reference are filled in when left out. Beside what a test asserts, every event recorded here
is decoded again from its bytes and compared, its postings must balance and are added up in `balances`, every changed
row is kept as bytes within the limit of size, and `made_again()` replays the log and tells whether rows come out the
same. `unforeseen` names the rows that a decision read and its `keys` had not announced; `refusal` is the last one.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from ledger.core import fields
from ledger.core.configuration import Configuration
from ledger.core.decider import Command, Event
from ledger.core.identity import Keyring
from ledger.core.merkle import Tree
from ledger.core.rejection import Rejected
from ledger.core.rows import ROW_LIMIT, Row
from ledger.core.shape import read_object
from ledger.core.world import Fact, Name, Reference, World
from ledger.families import registry
from ledger.families.card import admission
from ledger.service.recording import apply, record
from ledger.store import codec

KEYRING = Keyring(b"a secret of tests only")
LATE = "2030-01-01T00:00:00Z"


class Memory:
    """Rows as bytes by name. The log questions are answered by what a test puts in their place."""

    def __init__(self) -> None:
        self.rows: dict[Name, bytes] = {}
        self.first_recorded: dict[tuple[str, str], tuple[str, Event, int]] = {}
        self.cut_off: Callable[..., Any] = lambda *question: None
        self.pair_totals: Callable[..., Any] = lambda *question: []
        self.grown: Callable[..., Any] = lambda *question: None
        self.last_posted: Callable[..., Any] = lambda *question: None

    def load(self, names: Sequence[Name]) -> Iterable[tuple[Name, Row]]:
        return [(name, msgspec.msgpack.decode(self.rows[name], type=name[0])) for name in names if name in self.rows]

    def recorded(self, keys: Sequence[Reference]) -> dict[Reference, Fact]:
        return {key: self.first_recorded[key] for key in keys if key in self.first_recorded}

    def keep(self, world: World) -> None:
        for name in world.take_changes():
            row = world.rows[name]
            data = msgspec.msgpack.encode(row)
            assert len(data) <= ROW_LIMIT, f"{name[0].kind} {name[1]} has {len(data)} bytes"
            self.rows[name] = data


class Ledger:
    """Decides as the service does, one command at a time, each in a world of its own."""

    def __init__(self, *configuration: dict[str, Any], now: str = LATE) -> None:
        self.memory = Memory()
        self.memory.grown, self.memory.last_posted = self._grown, self._last_posted
        self.data: list[tuple[int, bytes]] = []
        self.config = Configuration.load(configuration)
        self.now = fields.instant(now)
        self.position = 1
        self.events: list[tuple[int, str, Event]] = []
        self.balances: Counter[str] = Counter()
        self.unforeseen: list[str] = []
        self.refusal: Rejected | None = None
        self._digests: dict[tuple[str, str], bytes] = {}

    def world(self) -> World:
        return World(self.memory, self.config, KEYRING, self.now, self.position)

    def row(self, row_type: type[Any], key: str) -> Any:
        return self.world().get(row_type, key)

    def given(self, *commands: dict[str, Any], **named: dict[str, Any]) -> list[Event]:
        """Commands (or Name={fields}) that must be recorded; all their events."""
        events: list[Event] = []
        for command in [*commands, *({"command": name, **given} for name, given in named.items())]:
            outcome = self.submit(command)
            assert not isinstance(outcome, str), f"{command['command']} is refused: {outcome}"
            events += outcome
        return events

    def submit(self, command: dict[str, Any] | None = None, **more: Any) -> list[Event] | str:
        """The events a command records, or the code it is refused with."""
        number = len(self._digests) + 1
        document = {"submitter": "T1", "reference": f"r{number}", **(command or {}), **more}
        return self._answered(lambda: document)

    def submit_line(self, raw: bytes) -> list[Event] | str:
        """The same for a line as a file holds it."""
        return self._answered(lambda: read_object(raw))

    def _answered(self, read: Callable[[], dict[str, Any]]) -> list[Event] | str:
        try:
            return self._decided(registry.TABLE.shape(read(), KEYRING))
        except Rejected as rejected:
            assert rejected.message and rejected.code.isidentifier(), rejected
            self.refusal = rejected
            return rejected.code

    def _decided(self, command: Command) -> list[Event]:
        key = (command.submitter, command.reference)
        if self._digests.get(key, command.digest) != command.digest:
            raise Rejected("reference_reused", "other content under the same reference", "reference")
        if key in self._digests:
            raise Rejected("duplicate", "recorded before with the same content", "reference")
        world = self.world()
        world.load(registry.names([command], world))
        world.load(admission.keys_then(command, world))
        world.load(command.type.keys_then(command, world))
        foreseen = set(world.rows)
        try:
            made = record(command, registry.decide(command, world), world, self.now)
        finally:
            self.unforeseen = [f"{name[0].kind} {name[1]}" for name in world.rows if name not in foreseen]
        self.memory.keep(world)
        self.position = world.position
        self._digests[key] = command.digest
        self.memory.first_recorded[key] = (made[0].name, made[0].event, made[0].position)
        for each in made:
            assert codec.decode(each.data) == (each.name, each.event)
            self.events.append((each.position, each.name, each.event))
            self.data.append((each.position, each.data))
            for account, amount in registry.postings_for(each.name, each.event):
                self.balances[account] += amount
        return [each.event for each in made]

    def _grown(self, tree: Tree, after: int, through: int) -> Tree:
        grown = tree.copy()
        for position, data in self.data:
            if after < position <= through:
                grown.add(data)
        return grown

    def _last_posted(self, card_ids: Sequence[str]) -> int | None:
        posted = [
            event["business_date"]
            for _, name, event in self.events
            if event.get("card_id") in card_ids and registry.postings_for(name, event)
        ]
        return posted[-1] if posted else None

    def made_again(self) -> dict[Name, bytes]:
        """Rows made from the log alone. Heads keep a digest of bytes, which a replay here takes from the kept rows."""
        replayed = Ledger(*self.config.as_json())
        for position, name, event in self.events:
            replayed.position = position
            world = replayed.world()
            head, key = registry.EVENTS[name].stream(event)
            apply(world, name, event, position, self.row(head, key).digest)
            replayed.memory.keep(world)
        return replayed.memory.rows
