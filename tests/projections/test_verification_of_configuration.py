"""Verify knows the rules of every position, and finds what was done to the list or to the events that made it grow."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.core.configuration import Configuration
from ledger.store import codec
from projections.verification.configuration import SUBJECT
from tests.fix_damage import checked, extended, found, identified, position_of, rewritten, tampered
from tests.fix_stores import Store
from tests.model.histories import history

Kinds = list[tuple[str, int | None]]


def entry(value: int, begins: str = "2024-01-01") -> dict[str, Any]:
    return {"key": "clearing.max_deferrals", "scope": "*", "effective_from": begins, "value": value}


@pytest.fixture
def grown(store: Store) -> Store:
    """Three entries more than at first, brought by two processes; positions 1 and 2."""
    identified(store)
    extended(store, entry(5))
    extended(store, entry(6), entry(7))
    assert found(store) == []
    return store


def kinds(made: Store) -> Kinds:
    """Of what is said about the configuration."""
    return [(one.kind, one.position) for one in found(made) if one.subject == SUBJECT]


def relisted(made: Store, change: Callable[[list[dict[str, Any]]], None], with_digest: bool) -> None:
    """Another list in the store's row; what the process brings follows it, or nobody could open the store at all."""
    ((entries,),) = made.ask("SELECT configuration FROM ledger.store")
    change(entries)
    made.config = tuple(entries)
    tampered(made, "UPDATE ledger.store SET configuration = %s", json.dumps(entries))
    if with_digest:
        digest = Configuration.load(entries).digest()
        tampered(made, "UPDATE ledger.store SET configuration_digest = %s", digest)


def last(made: Store) -> int:
    return len(made.config) - 1


ALTERED: dict[str, tuple[Callable[[list[dict[str, Any]]], None], bool, Kinds]] = {
    "a value": (lambda entries: entries[-1].update(value=8), False, [("configuration_differs", None)]),
    "a value and the digest": (lambda entries: entries[-1].update(value=8), True, [("configuration_differs", None)]),
    "the first list and the digest": (
        lambda entries: entries[0].update(value=8),
        True,
        [("configuration_differs", 1), ("configuration_differs", 2)],
    ),
    "two entries exchanged": (
        lambda entries: entries.insert(-1, entries.pop()),
        True,
        [("configuration_differs", None)],
    ),
    "an entry by hand": (lambda entries: entries.append(entry(8)), True, [("configuration_missing", None)]),
    "an entry taken out": (lambda entries: entries.pop(), True, [("configuration_differs", None)]),
}


@pytest.mark.parametrize(("change", "with_digest", "wanted"), ALTERED.values(), ids=ALTERED)
def test_an_altered_list_is_found(
    grown: Store, change: Callable[[list[dict[str, Any]]], None], with_digest: bool, wanted: Kinds
) -> None:
    relisted(grown, change, with_digest)
    assert kinds(grown) == wanted


def test_a_list_that_is_none_any_more_is_found(grown: Store) -> None:
    tampered(grown, "UPDATE ledger.store SET configuration = '[{\"key\": 1}]'")
    assert kinds(grown) == [("configuration_differs", None)]


def test_an_entry_that_no_event_brought_is_found_in_a_store_that_never_grew(store: Store) -> None:
    identified(store)
    relisted(store, lambda entries: entries.append(entry(8)), True)
    assert kinds(store) == [("configuration_missing", None)]


@pytest.mark.parametrize(
    ("position", "wanted"), [(1, [("configuration_missing", 2)]), (2, [("configuration_missing", None)])]
)
def test_a_missing_event_is_found(grown: Store, position: int, wanted: Kinds) -> None:
    tampered(grown, "DELETE FROM ledger.events WHERE notification_id = %s", position)
    assert kinds(grown) == wanted


@pytest.mark.parametrize("position", [1, 2])
@pytest.mark.parametrize("field", ["previous_configuration_digest", "configuration_digest"])
def test_a_wrong_digest_in_an_event_is_found(grown: Store, field: str, position: int) -> None:
    rewritten(grown, position, lambda event: event.update({field: "ab" * 32}))
    assert kinds(grown) == [("configuration_digest_differs", position)]


@pytest.mark.parametrize(
    "change",
    [
        lambda event: event["added"][0].update(value="4"),
        lambda event: event["added"][0].update(value="no JSON"),
        lambda event: event["added"][0].update(key="no.rule"),
        lambda event: event["added"].append(dict(event["added"][0])),
        lambda event: event.update(entries_after=3),
        lambda event: event.update(entries_after=10**9),
    ],
)
def test_other_entries_in_an_event_are_found(grown: Store, change: Callable[[dict[str, Any]], None]) -> None:
    rewritten(grown, 1, change)
    assert ("configuration_digest_differs", 1) in kinds(grown)


def test_another_secret_and_a_list_of_another_store_are_told(grown: Store) -> None:
    grown.config = (*grown.config[:-1], entry(9))
    assert [(one.kind, one.subject) for one in found(grown)] == [("identity_differs", "store")]
    tampered(grown, "UPDATE ledger.store SET secret_fingerprint = 'x'")
    assert {(one.kind, one.subject) for one in found(grown)} == {("identity_differs", "store")}


def test_a_list_that_is_longer_than_the_stores_may_be_tried_by_verify(grown: Store) -> None:
    grown.config = (*grown.config, entry(9))
    assert found(grown) == []


def test_each_cut_off_is_verified_by_the_limit_of_its_position(store: Store, tmp_path: Path, seed: int) -> None:
    """The limit falls to 0, dated back before everything, in the middle of a history."""
    identified(store)
    lines = list(history(seed, 2_000))
    path = tmp_path / "part.jsonl"
    for start, limit in ((0, 1), (600, 0), (1_000, 3), (1_400, 0)):
        extended(store, *(entry(limit, begins) for begins in ("2024-01-01", "2025-01-01", "2025-06-01")))
        path.write_bytes(b"\n".join(lines[start : start + 600]) + b"\n")
        store.submit(path)
    assert found(store) == []

    cuts = store.ask("SELECT notification_id, state FROM ledger.events WHERE topic LIKE %s", "%.CycleCutOff")
    assert cuts, "no cut-off is tested"
    for position, data in cuts:
        deferred, alarms = (codec.decode(data)[1][name] for name in ("deferred_count", "alarm_count"))
        print(f"position {position}: {deferred} deferred, {alarms} alarms")
    position = position_of(store, "CycleCutOff")
    before = codec.decode(dict(cuts)[position])[1]["alarm_count"]
    rewritten(store, position, lambda event: event.update(alarm_count=0 if before else 1))
    assert ("table_differs", position) in [(one.kind, one.position) for one in found(store)]


def test_the_rules_of_a_position_follow_from_the_first_list_and_the_log(grown: Store) -> None:
    """As an auditor makes them, with nothing of the program but a decoder."""
    ((first, entries, digest),) = grown.ask(
        "SELECT first_entries, configuration, configuration_digest FROM ledger.store"
    )
    rules = entries[:first]
    for _, data in grown.ask("SELECT notification_id, state FROM ledger.events ORDER BY 1"):
        event = codec.decode(data)[1]
        rules += [{**one, "value": json.loads(one["value"])} for one in event["added"]]
        text = json.dumps(rules, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == event["configuration_digest"]
    assert event["configuration_digest"] == digest and rules == entries
    assert checked(grown).events == 2
