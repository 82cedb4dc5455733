"""What is wrong with a command of contract sections 2 to 4, in the order in which it must be refused for it.

A `Flawed` is a command that is recorded after its history, and its faults: each adds to the history or changes fields
so that the command is refused with one code. They stand in the order of the contract's stages, the command's States,
Refused and Funds, written down from there; what is wrong in two ways is refused for the one that stands first.
"""

from dataclasses import dataclass, field
from typing import Any

from tests.catalogue import medical as care
from tests.catalogue.case import Case, Command, Entry
from tests.catalogue.general import ANYBODY, NOBODYS
from tests.families.benefit import office as pay
from tests.families.benefit.office import ADA, BEN, CAI, SN
from tests.families.counter import A1, B1, F1, act, activate, issue_to_firm, lose, name_agent, replace

BEFORE, LATER = "2025-05-20 10:00", "2025-12-01 10:00"
C1 = SN[CAI]
FREE, FREE_TOO = "340000D15600000500000000000000D1", "340000D15600000500000000000000D2"
# Fields that say which card, batch, line or other thing a command is about.
NAMING = frozenset(
    "card_sn receiver_card_sn batch_id line_id source_batch_id source_line_id delegation_id entitlement_id"
    " delegate overpayment_id registration_id settlement_id spend_id transfer_id voided_reference".split()
)

WORLD = (
    *(pay.issue_card(person, SN[person], pay.ACCOUNT[person]) for person in (ADA, BEN, CAI)),
    *(activate("2024-03-01 12:00", SN[person]) for person in (ADA, BEN, CAI)),
    issue_to_firm(),
    activate(card_sn=F1),
    name_agent("2025-03-03 10:00", "AGENT", matters=["ALL"]),
    care.contribute(300_000),
)
"""Three people's cards, all active, a firm's with an agent; 300,000 fen on the first."""


class Fault:
    """After `given` and with `fields` the command is refused with `code`. `state`: a card is in one state only."""

    def __init__(self, code: str, *given: Command, state: bool = False, **fields: Any) -> None:
        self.code, self.given, self.fields, self.state = code, given, fields, state

    def __repr__(self) -> str:
        return f"{self.code} {[one['command'] for one in self.given]} {self.fields}"


Group = tuple[Fault, ...]


@dataclass(frozen=True)
class Flawed:
    """`apart`: pairs of codes whose faults undo each other in this command."""

    given: tuple[Command, ...]
    then: Command
    faults: Group
    apart: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    configuration: tuple[Entry, ...] = ()

    def without_faults(self) -> Case:
        return self._case("", (), {})

    def with_fault(self, fault: Fault) -> Case:
        return self._case(fault.code, fault.given, fault.fields)

    def with_both(self, first: Fault, second: Fault) -> list[Case]:
        """Refused with the first code; one case for each order of their histories, of which one must be possible."""
        if (first.code, second.code) in self.apart or (first.state and second.state):
            return []
        if any(second.fields.get(name, value) != value for name, value in first.fields.items()):
            return []
        if (first.given or first.fields.keys() & NAMING) and second.fields.keys() & NAMING - first.fields.keys():
            return []  # the second looks elsewhere than where the first is found
        fields = {**first.fields, **second.fields}
        orders = (first.given + second.given, second.given + first.given)
        return [self._case(first.code, given, fields) for given in orders]

    def _case(self, code: str, given: tuple[Command, ...], fields: dict[str, Any]) -> Case:
        return Case(code, (*WORLD, *self.given, *given), {**self.then, **fields}, self.configuration)


def flawed(given: tuple[Command, ...], then: Command, *faults: Fault | Group, apart: str = "", **more: Any) -> Flawed:
    """`apart`: "code with code, code with code"."""
    flat = tuple(one for each in faults for one in (each if isinstance(each, tuple) else (each,)))
    pairs = frozenset((a, b) for a, _, b in (pair.partition(" with ") for pair in apart.split(", ")))
    return Flawed(given, then, flat, pairs, **more)


# --- what the marks of a command add ------------------------------------------------------------------------------

SHAPE: Group = (
    Fault("missing_field", occurred_at=None),
    Fault("unknown_field", nobodys_field=1),
    Fault("wrong_type", channel=1),
)
SUBMITTED: Group = (
    Fault("reference_reused", care.contribute(1, card_sn=B1, reference="last")),
    Fault("occurred_at_in_future", occurred_at="2030-01-01T00:05:00.000001Z"),
)
SCHEME = Fault("scheme_item_not_enabled", scheme="YRD", scheme_item="nothing")
NOT_FOR_FIRM = Fault("not_for_enterprise", card_sn=F1)
CANCELLED = Fault("card_cancelled", act("CancelCard", BEFORE, reason="OTHER"), state=True)
USE: Group = (
    Fault("electronic_card_not_active", channel="ELECTRONIC_CARD"),
    Fault("acting_person_not_authorised", acting_person=ANYBODY),
    SCHEME,
    Fault("not_for_enterprise", card_sn=F1, acting_person=BEN),
)


def identity(card_sn: str = A1, always: bool = False, new: str = FREE) -> Group:
    """Stage 4."""
    found = (
        Fault("card_unknown", card_sn=NOBODYS),
        Fault("before_card_issue", occurred_at="2024-03-01T08:59:59.999999+08:00"),
        Fault("card_sn_retired", replace("DAMAGED", BEFORE, card_sn, new)),
        Fault("processing_restricted", act("RestrictProcessing", "2025-05-19 10:00", card_sn, reason="COURT")),
    )
    return found[:3] if always else found


def states(card_sn: str = A1) -> Group:
    """States that are not ACTIVE."""
    return (
        Fault("card_lost", lose("FORMAL", BEFORE, card_sn), state=True),
        Fault("card_locked", act("LockCard", BEFORE, card_sn, reason="RISK"), state=True),
        Fault("card_cancelled", act("CancelCard", BEFORE, card_sn, reason="OTHER"), state=True),
    )


ON_A_CARD: Group = (*SHAPE, *SUBMITTED, *identity())
ON_ANY_CARD: Group = (*SHAPE, *SUBMITTED, *identity(always=True))
OUT_OF_ORDER = Fault("out_of_order", activate(LATER, application="BANK"))
BEN_RESTRICTED = Fault("processing_restricted", act("RestrictProcessing", BEFORE, B1, reason="COURT"))
