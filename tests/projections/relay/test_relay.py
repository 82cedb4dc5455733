"""The relay puts the log onto the topics: every event once, in order, at its place, whatever was there before."""

from collections.abc import Callable
from pathlib import Path

import pytest

from projections.relay import relay as relaying
from tests.fix_kafka import Kafka
from tests.fix_stores import Store
from tests.projections.relay.rig import Rig


@pytest.fixture
def rig(kafka: Kafka, store: Store) -> Rig:
    return Rig.of(kafka, store)


def test_the_topics_hold_the_log_byte_for_byte(rig: Rig, tmp_path: Path, seed: int) -> None:
    head = rig.submit(tmp_path, seed, 600)
    pages = rig.publish()
    assert (pages[-1].position, sum(page.records for page in pages)) == (head, head)
    rig.assert_published()
    rig.assert_level()


def test_what_is_published_is_not_published_again(rig: Rig, tmp_path: Path, seed: int) -> None:
    rig.submit(tmp_path, seed, 300)
    rig.publish()
    assert rig.publish() == []
    rig.submit(tmp_path, seed + 1, 300)
    rig.publish()
    rig.assert_published()
    rig.assert_level()


def test_a_store_without_events_publishes_nothing(rig: Rig) -> None:
    assert rig.publish() == []
    assert rig.progress() is None


def test_small_pages_end_with_a_whole_command(
    rig: Rig, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.submit(tmp_path, seed, 300)
    monkeypatch.setattr(relaying, "MOST_RECORDS", 3)
    ends = {page.position for page in rig.publish()}
    rig.assert_published()
    origins = rig.store.ask(
        "SELECT position FROM ledger.submissions UNION SELECT max(notification_id) + 1 FROM ledger.events"
    )
    assert ends <= {position - 1 for (position,) in origins}


def test_another_stores_relay_is_not_disturbed(
    kafka: Kafka, stores: Callable[[], Store], tmp_path: Path, seed: int
) -> None:
    one, other = Rig.of(kafka, stores()), Rig.of(kafka, stores())
    with one.relay() as running:
        one.submit(tmp_path, seed, 200)
        pages = running.run(until_caught_up=False)
        next(pages)
        other.submit(tmp_path, seed + 1, 200)
        other.publish()
        one.submit(tmp_path, seed + 2, 100)
        next(pages)
        pages.close()
    one.publish()
    one.assert_published()
    other.assert_published()
