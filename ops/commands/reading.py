"""What a command may lead to: the events it records and the codes it is refused with, each with its messages.

The order of the stages is that of `ledger.families.card.admission`; `tests/ops/test_commands.py` holds what is found
here to a catalogue in which every code of every command is caused, and no other.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from types import FunctionType
from typing import Any, Final, Literal, get_args, get_origin

from ledger.core import decider, fields, shape
from ledger.core.decider import Accepts, CommandType
from ledger.core.fields import UNCHANGED
from ledger.families import registry
from ledger.families.card import admission
from ledger.families.card.holder import ACTIVE
from ledger.service import batch
from ops.commands.source import Refusal, Written

# Whose refusals any command may meet: its shape, a reference used again, the clock.
OF_EVERY_COMMAND: Final = (shape, fields, decider, batch, registry)
OURS: Final = "ledger.families."
# Every state of a card, with what it is refused with where a command says nothing else.
STATES: Final = {ACTIVE: admission.ACTIVE_CODE, **admission.STATE_CODES}


def written(functions: Iterable[Callable[..., Any] | None]) -> Iterator[Written]:
    """These functions of the families and all that they call."""
    todo: list[tuple[Any, Any]] = [(function, ()) for function in functions if function is not None]
    seen = set()
    while todo:
        one = todo.pop()
        if one in seen or not isinstance(one[0], FunctionType) or not one[0].__module__.startswith(OURS):
            continue
        seen.add(one)
        found = Written(*one)
        yield found
        todo += found.called()


def events(type: CommandType) -> list[str]:
    """Names of the events it records, those on its own card first."""
    said = {event for one in written([type.decide]) for event in one.events()}
    return [event for event in registry.EVENTS if event in said]


def refusals(type: CommandType) -> set[Refusal]:
    """Its own: those of its cards, of who acts, of its rules. Beside them it may meet `common_refusals`."""
    found = _said([type.stage_two, type.stage_four, type.decide])
    if type.card:
        found |= _of_its_card(type)
    if shape.SCHEME[0] in shape.envelope(type.card, type.fields):
        found |= _said([admission.test_scheme])
    of_holder = {refusal.code: refusal for refusal in _said([admission.test_holder])}
    if type.person:
        found.add(of_holder["not_for_enterprise"])
    if type.enterprise:
        found.add(of_holder["not_an_enterprise"])
    return found


def _of_its_card(type: CommandType) -> set[Refusal]:
    found = set()
    if type.stage_four is None:
        found |= _said([admission.find_card])
        if type.always:
            found = {refusal for refusal in found if refusal.code != "processing_restricted"}
    if type.chain or type.electronic_chain:
        found |= _said([admission.test_order])
    if type.use:
        found |= _said([admission.test_use])
    if type.state_test is not None:
        return found | _said([type.state_test])
    for _, accepts in states(type):
        found |= {
            Refusal(accepts.refusals.get(state, code), message)
            for state, (code, message) in STATES.items()
            if state not in accepts.states
        }
    return found


def _said(functions: Iterable[Callable[..., Any] | None]) -> set[Refusal]:
    return {refusal for one in written(functions) for refusal in one.refusals()}


@cache
def common_refusals() -> frozenset[Refusal]:
    """Those that any line may meet."""
    found: set[Refusal] = set()
    for module in OF_EVERY_COMMAND:
        for thing in vars(module).values():
            functions = vars(thing).values() if isinstance(thing, type) else [thing]
            for one in functions:
                if isinstance(one, FunctionType) and one.__module__ == module.__name__:
                    found |= set(Written(one).refusals())
    return frozenset(found)


def states(type: CommandType) -> Iterator[tuple[dict[str, str], Accepts]]:
    """The states its card may be in; one row for each word of its closed list where they depend on that."""
    if isinstance(type.states, Accepts):
        yield {}, type.states
    elif type.states is not None:
        ask: Callable[[Any], Accepts] = type.states
        for field in type.fields:
            for word in closed_list(field.parse):
                yield {field.name: word}, ask({field.name: word})


def closed_list(parse: fields.Parse) -> tuple[str, ...]:
    """The words a field takes, if it takes only some."""
    taken = UNCHANGED.get(parse)
    return get_args(taken) if get_origin(taken) is Literal else ()
