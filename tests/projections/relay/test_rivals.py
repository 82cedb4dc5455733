"""Two relays of one store, and a relay that fails half-way: one of them publishes, and nothing twice."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from projections.kafka.access import BrokerProblem
from projections.kafka.publisher import Fenced, Publisher
from projections.relay import relay as relaying
from projections.relay.log import Log
from projections.relay.relay import Relay
from tests.fix_kafka import Kafka
from tests.fix_stores import Store
from tests.projections.relay.rig import Rig

CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_locks
    WHERE locktype = 'advisory' AND classid = 1663 AND objid = 3 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@pytest.fixture
def rig(kafka: Kafka, store: Store, tmp_path: Path, seed: int) -> Rig:
    rig = Rig.of(kafka, store)
    rig.submit(tmp_path, seed, 300)
    return rig


def cut(rig: Rig) -> None:
    """End the session that holds the relay's lock."""
    assert rig.store.ask(CUT) == [(True,)]


def test_only_one_relay_of_a_store_has_the_lock(rig: Rig) -> None:
    with rig.log() as one, rig.log() as other:
        assert one.lock()
        assert not other.lock()
        one.close()
        assert other.lock()


def test_a_relay_that_lost_the_locks_connection_commits_nothing_more(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relaying, "MOST_RECORDS", 50)
    with rig.log() as log:
        assert log.lock()
        pages = Relay(log, rig.store_id, rig.broker, rig.kafka.topology, lambda _: None).run(until_caught_up=False)
        first = next(pages)
        cut(rig)
        with pytest.raises(psycopg.OperationalError):
            list(pages)
    progress = rig.progress()
    assert progress is not None and progress.position <= 2 * first.position
    rig.publish()
    rig.assert_published()


def test_a_relay_that_does_not_notice_the_loss_is_fenced(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network hides the end of its session while another relay takes over, between its last send and its commit."""
    monkeypatch.setattr(relaying, "MOST_RECORDS", 50)
    page = Log.page
    calls = 0

    def unnoticed(log: Log, after: int, limit: int) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            cut(rig)
            rig.publish()
            return []
        return page(log, after, limit)

    with rig.log() as log:
        assert log.lock()
        monkeypatch.setattr(Log, "page", unnoticed)
        with pytest.raises(Fenced) as fenced:
            list(Relay(log, rig.store_id, rig.broker, rig.kafka.topology, lambda _: None).run(until_caught_up=True))
    assert fenced.value.code == "fenced"
    rig.assert_published()
    rig.assert_level()


@pytest.mark.parametrize("committed", [True, False], ids=["committed", "not committed"])
def test_a_commit_whose_answer_is_lost_is_found_out(rig: Rig, monkeypatch: pytest.MonkeyPatch, committed: bool) -> None:
    monkeypatch.setattr(relaying, "MOST_RECORDS", 50)
    commit = Publisher.commit
    calls = 0
    told: list[str] = []

    def lossy(publisher: Publisher) -> None:
        nonlocal calls
        calls += 1
        if calls % 2 == 0:
            if committed:
                commit(publisher)
            raise BrokerProblem("timed_out", "The answer is lost.")
        commit(publisher)

    monkeypatch.setattr(Publisher, "commit", lossy)
    with rig.relay(told.append) as relay:
        list(relay.run(until_caught_up=True))
    assert told and all("Trying again" in one for one in told)
    rig.assert_published()
    rig.assert_level()


def test_what_no_other_try_mends_is_told_at_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(publisher: Publisher) -> None:
        raise BrokerProblem("not_allowed", "The right is taken away.")

    with rig.relay() as relay, ExitStack() as later:
        later.callback(monkeypatch.undo)
        monkeypatch.setattr(Publisher, "commit", forbidden)
        with pytest.raises(BrokerProblem, match="taken away"):
            list(relay.run(until_caught_up=False))
    assert rig.progress() is None
