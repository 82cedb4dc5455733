"""What a reference recorded first, asked of the store: the event itself, or that the log lacks it."""

from pathlib import Path

import pytest

from ledger.store.source import StoreSource
from tests.fix_damage import tampered
from tests.fix_stores import Store

FIRST_DAY = Path(__file__).parents[2] / "samples" / "first-day.jsonl"


def test_a_reference_leads_to_the_event_that_it_recorded_first_and_an_unknown_one_to_nothing(store: Store) -> None:
    store.submit(FIRST_DAY)
    known = store.ask("SELECT submitter, reference, position FROM ledger.submissions ORDER BY position")
    names = dict(store.ask("SELECT notification_id, topic FROM ledger.events"))
    with store.connect() as connection:
        source = StoreSource(connection)
        keys = [(submitter, reference) for submitter, reference, _ in known]
        found = source.recorded([*keys, ("nobody", "nothing")])
        assert source.recorded([]) == {}
    assert {key: (position, name) for key, (name, _, position) in found.items()} == {
        (submitter, reference): (position, names[position].rpartition(".")[2])
        for submitter, reference, position in known
    }


def test_a_receipt_whose_event_is_missing_is_damage_and_not_a_reference_that_nobody_used(store: Store) -> None:
    store.submit(FIRST_DAY)
    ((submitter, reference, position),) = store.ask(
        "SELECT submitter, reference, position FROM ledger.submissions ORDER BY position LIMIT 1"
    )
    tampered(store, "DELETE FROM ledger.events WHERE notification_id = %s", position)
    with store.connect() as connection, pytest.raises(LookupError, match=f"no event at position {position}"):
        StoreSource(connection).recorded([(submitter, reference)])
