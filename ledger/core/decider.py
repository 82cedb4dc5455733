"""The decider's vocabulary: commands, events, and how a room of `ledger.families` declares them.

decide(command, world) -> drafts of events, or Rejected; evolve(world, event, position) changes rows and never refuses;
postings(event) and lines(event, position) say what the event does to accounts and to clearing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from ledger.core.calendar import business_date
from ledger.core.fields import Field
from ledger.core.postings import Posting
from ledger.core.rejection import Rejected
from ledger.core.rows import StreamRow

if TYPE_CHECKING:
    from ledger.core.world import World

Event = dict[str, Any]
StreamName = tuple[type[StreamRow], str]


class Command:
    """A command whose shape is right.

    `fields` holds what the submitter gave, as the core keeps it, no defaults; persons are keys already, and `births`
    keeps the dates of birth (YYYYMMDD) that only their numbers told. `sn_key` names the state rows of `card_sn`;
    `card_id` and `other_card_id` are filled in when stage 4 has found the cards.
    """

    __slots__ = (
        "acting_person", "bdate", "births", "card_id", "digest", "fields", "occurred_at", "other_card_id", "reference",
        "sn_key", "submitter", "type",
    )  # fmt: skip

    def __init__(
        self, type: "CommandType", fields: dict[str, Any], digest: bytes, sn_key: str, births: dict[str, str]
    ) -> None:
        self.births = births
        self.card_id = ""
        self.other_card_id = ""
        self.type = type
        self.fields = fields
        self.digest = digest
        self.sn_key = sn_key
        self.submitter: str = fields["submitter"]
        self.reference: str = fields["reference"]
        self.occurred_at: int = fields["occurred_at"]
        self.bdate = business_date(self.occurred_at)
        self.acting_person: str | None = fields.get("acting_person")

    def __getitem__(self, name: str) -> Any:
        """A required field."""
        return self.fields[name]

    def get(self, name: str, default: Any = None) -> Any:
        """An optional field."""
        return self.fields.get(name, default)


class Draft(msgspec.Struct):
    """An event decided upon: its derived fields beside those of the command. `card_id` for events on a card."""

    event: str
    derived: dict[str, Any] = {}
    card_id: str = ""


def no_recalls(command: Command) -> Iterable[tuple[str, str]]:
    """Most decisions ask the log nothing."""
    return ()


ShapeRule = Callable[[dict[str, Any]], None]
Decide = Callable[[Command, "World"], list[Draft]]
Check = Callable[[Command, "World"], None]
Keys = Callable[[Command, "World"], Iterable[tuple[type, str]]]


def no_keys(command: Command, world: "World") -> Iterable[tuple[type, str]]:
    return ()


class Accepts(NamedTuple):
    """Card states a command accepts at its occurred_at, and the codes of states that do not get the ordinary one, with
    the field they name unless it is the card."""

    states: tuple[str, ...]
    refusals: Mapping[str, str] = MappingProxyType({})
    field: str = ""


@dataclass(frozen=True, slots=True)
class CommandType:
    """A command of the contract, as its heading and table say.

    Marks: `card` takes card_sn; `other_card` names the field of a second card; `use` holds the family of matters (0.9);
    `always`; `person`, `enterprise`. `states`: None accepts any. `chain`, `electronic_chain`: must rise along the
    card's life cycle / electronic card (0.8). `stage_two` is tested right after duplicates, `stage_four` replaces the
    tests of the card's identity, `state_test` that of its state. `keys`: rows the decision will surely read, loaded for
    a whole batch at once; `keys_then`: rows named by those. `recalls`: references whose recorded facts it asks the log
    for. `alone`: decided as a barrier, in a transaction of its own.
    """

    name: str
    family: str
    fields: tuple[Field, ...]
    decide: Decide
    card: bool = False
    other_card: str = ""
    use: str = ""
    always: bool = False
    person: bool = False
    enterprise: bool = False
    states: Accepts | Callable[[Command], Accepts] | None = None
    chain: bool = False
    electronic_chain: bool = False
    stage_two: Check | None = None
    recalls: "Callable[[Command], Iterable[tuple[str, str]]]" = no_recalls
    stage_four: Check | None = None
    state_test: Check | None = None
    shape: tuple[ShapeRule, ...] = ()
    keys: Keys = no_keys
    keys_then: Keys = no_keys
    alone: bool = False


def no_evolution(world: "World", event: Event, position: int) -> None:
    """For events that change no row but the head of their stream."""


def no_postings(event: Event) -> Iterable[Posting]:
    return ()


@dataclass(frozen=True, slots=True)
class EventType:
    """An event of the contract: its stream, what it changes, what it posts."""

    name: str
    family: str
    stream: Callable[[Event], StreamName]
    evolve: "Callable[[World, Event, int], None]" = no_evolution
    postings: Callable[[Event], Iterable[Posting]] = no_postings


# What a rule of shape asks of each field it looks at; the reference of commands is written from it.
RULES: Final[dict[ShapeRule, dict[str, str]]] = {}


def asking(rule: ShapeRule, **of_fields: str) -> ShapeRule:
    """`rule` asks this of these fields."""
    RULES[rule] = of_fields
    return rule


def needed_only(name: str, when: Callable[[dict[str, Any]], bool], why: str) -> ShapeRule:
    """Field `name` is required if and only if `when` holds of the fields."""

    def rule(fields: dict[str, Any]) -> None:
        if when(fields):
            if name not in fields:
                raise Rejected("missing_field", f"{name} is required {why}", name)
        elif name in fields:
            raise Rejected("unknown_field", f"{name} is only taken {why}", name)

    return asking(rule, **{name: f"required {why}, and only then taken"})


def allowed_only(name: str, when: Callable[[dict[str, Any]], bool], why: str) -> ShapeRule:
    """Field `name` may be given only if `when` holds of the fields."""

    def rule(fields: dict[str, Any]) -> None:
        if name in fields and not when(fields):
            raise Rejected("unknown_field", f"{name} is only taken {why}", name)

    return asking(rule, **{name: f"only taken {why}"})


def both_or_neither(first: str, second: str) -> ShapeRule:
    def rule(fields: dict[str, Any]) -> None:
        if (first in fields) != (second in fields):
            absent = second if first in fields else first
            raise Rejected("missing_field", f"{first} and {second} go together", absent)

    return asking(rule, **{first: f"goes with {second}", second: f"goes with {first}"})
