"""The relay puts the log onto the topics: every event once, in order, at its place, whatever was there before."""

from collections.abc import Callable
from pathlib import Path

import pytest

from projections.feed.port import Broken
from projections.relay import relay as relaying
from tests.fix_damage import tampered
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


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (r"'\x01'::bytea", "undecodable"),
        (r"'\x000000ff'::bytea || substring(state FROM 5)", "foreign_schema"),
        ("substring(state FROM 1 FOR 25)", "undecodable"),
    ],
)
def test_bytes_that_are_no_event_are_not_published(
    rig: Rig, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch, damage: str, kind: str
) -> None:
    rig.submit(tmp_path, seed, 150)
    head = rig.head()
    monkeypatch.setattr(relaying, "MOST_RECORDS", 5)
    tampered(rig.store, f"UPDATE ledger.events SET state = {damage} WHERE notification_id = %s", head - 2)
    with pytest.raises(Broken, match="onecard verify") as broken:
        rig.publish()
    assert (broken.value.kind, broken.value.position) == (kind, head - 2)
    progress = rig.progress()
    assert progress is not None and progress.position < head - 2


def test_nothing_is_published_behind_a_hole(rig: Rig, tmp_path: Path, seed: int) -> None:
    rig.submit(tmp_path, seed, 150)
    tampered(rig.store, "DELETE FROM ledger.events WHERE notification_id = %s", rig.head() - 2)
    with pytest.raises(Broken, match="is missing from the log") as broken:
        rig.publish()
    assert broken.value.kind == "record_missing"
    assert rig.progress() is None


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
