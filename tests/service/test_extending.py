"""A store's configuration grows by an event and its list together, once, whoever is first and whatever is killed."""

import json
import threading
from contextlib import closing
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from ledger.core.configuration import Configuration
from ledger.core.rejection import Rejected
from ledger.families.governance import configuration
from ledger.families.governance.configuration import Extended
from ledger.families.registry import TABLE
from ledger.service import extending
from ledger.service.batch import Receipt
from ledger.service.extending import SUBMITTER, extend
from ledger.service.recording import stream_id
from ledger.service.run import shaped
from ledger.service.writer import Writer
from ledger.store import appending, codec
from ledger.store.identity import StoreMismatch
from tests.fix_damage import checked, extended, identified
from tests.fix_stores import Store
from tests.model.histories import CLOCK_MICROS

STREAM = stream_id((Extended, configuration.LEDGER))
NOW = CLOCK_MICROS
BUDGET = (
    '{"command":"IssueBudget","submitter":"T1","reference":"%s","occurred_at":"2025-06-15T08:00:00Z",'
    '"province":"34","programme":"grain","amount_fen":1,"document":"d"}\n'
)


def entry(value: int, key: str = "transit.late_days", begins: str = "2025-01-01") -> dict[str, Any]:
    return {"key": key, "scope": "*", "effective_from": begins, "value": value}


@pytest.fixture
def made(store: Store) -> Store:
    """A store that exists, with the list of the tests' histories."""
    identified(store)
    return store


def longer(made: Store, *entries: dict[str, Any]) -> Configuration:
    return Configuration.load([*made.config, *entries])


def recorded(made: Store) -> list[dict[str, Any]]:
    found = made.ask("SELECT state FROM ledger.events WHERE originator_id = %s ORDER BY originator_version", STREAM)
    return [codec.decode(data)[1] for (data,) in found]


def kept(made: Store) -> tuple[str, int]:
    ((digest, entries),) = made.ask("SELECT configuration_digest, configuration FROM ledger.store")
    return digest, len(entries)


def budget(made: Store, writer: Writer, reference: str) -> list[Any]:
    return writer.submit([shaped((BUDGET % reference).encode(), 1, made.keyring())[1]])


def submitted(made: Store, tmp_path: Any, *lines: str) -> list[Any]:
    path = tmp_path / "lines.jsonl"
    path.write_text("".join(lines))
    return made.submit(path)


def test_a_store_is_made_without_an_event_and_extended_with_one(made: Store) -> None:
    begun = Configuration.load(made.config)
    assert made.positions() == []

    extended(made, entry(10), entry(11, begins="2025-07-01"))

    (event,) = recorded(made)
    after = Configuration.load(made.config)
    assert kept(made) == (after.digest(), len(begun.entries) + 2)
    assert (event["previous_configuration_digest"], event["configuration_digest"]) == (begun.digest(), after.digest())
    assert (event["entries_before"], event["entries_after"]) == (len(begun.entries), len(begun.entries) + 2)
    assert [json.loads(one["value"]) for one in event["added"]] == [10, 11]
    assert begun.with_added(configuration.added(event)).digest() == after.digest()
    assert (event["submitter"], event["occurred_at"], event["card_version"]) == (SUBMITTER, NOW, 1)
    assert made.positions() == [1]
    assert checked(made).findings == []


def test_the_same_list_again_records_nothing(made: Store) -> None:
    extended(made, entry(10))
    for _ in range(3):
        extended(made)
    assert len(recorded(made)) == 1
    extended(made, entry(11))
    assert [one["card_version"] for one in recorded(made)] == [1, 2]
    assert checked(made).findings == []


def test_a_list_that_does_not_begin_with_the_stores_changes_nothing(made: Store) -> None:
    extended(made, entry(10))
    before = made.written(), kept(made)
    with closing(made.connect()) as connection:
        for other in ([], [entry(10)], [*made.config[:-1], entry(11)]):
            with pytest.raises(StoreMismatch, match="configuration differs"):
                extend(connection, Configuration.load(other), made.keyring(), NOW)
    assert (made.written(), kept(made)) == before


def test_of_two_that_extend_at_once_one_wins_and_the_other_is_refused(made: Store) -> None:
    barrier = threading.Barrier(4)
    refused: list[StoreMismatch] = []

    def bring(value: int) -> None:
        with closing(made.connect()) as connection:
            barrier.wait()
            try:
                extend(connection, longer(made, entry(value)), made.keyring(), NOW)
            except StoreMismatch as error:
                refused.append(error)

    threads = [threading.Thread(target=bring, args=(value,)) for value in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 3 and len(recorded(made)) == 1
    ((entries,),) = made.ask("SELECT configuration FROM ledger.store")
    made.config = tuple(entries)
    assert checked(made).findings == []


def test_of_many_that_bring_the_same_list_one_records_it(made: Store) -> None:
    before = made.config
    threads = [threading.Thread(target=extended, args=(Store(made.dsn, before), entry(7))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made.config = (*before, entry(7))
    assert len(recorded(made)) == 1
    assert checked(made).findings == []


@pytest.mark.parametrize(
    "statement", ["SELECT ledger.begin", "INSERT INTO ledger.events", "UPDATE ledger.store", "NOTIFY"]
)
def test_a_kill_anywhere_leaves_all_or_nothing(made: Store, statement: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session ends as its server's process would: at any statement of the transaction."""
    before = made.written(), kept(made)

    class Killed(psycopg.Cursor[Any]):
        def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
            if statement in str(query).replace("\n", " "):
                with made.connect() as other:
                    other.execute("SELECT pg_terminate_backend(%s)", (self.connection.info.backend_pid,))
            return super().execute(query, *arguments, **options)

    real = appending.commit

    def commit(connection: Any, append: Any) -> None:
        connection.cursor_factory = Killed
        real(connection, append)

    monkeypatch.setattr(extending.appending, "commit", commit)
    with pytest.raises(psycopg.Error), closing(made.connect()) as connection:
        extend(connection, longer(made, entry(10)), made.keyring(), NOW)

    assert (made.written(), kept(made)) == before
    monkeypatch.undo()
    extended(made, entry(10))
    assert len(recorded(made)) == 1 and checked(made).findings == []


def test_a_long_list_is_recorded_by_several_events_of_one_receipt(made: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "EVENT_CHARACTERS", 200)
    extended(made, *(entry(number) for number in range(20)))
    events = recorded(made)
    assert len(events) > 3 and len({one["reference"] for one in events}) == 1
    assert [entry for one in events for entry in one["added"]] == [
        {**entry(number), "value": str(number)} for number in range(20)
    ]
    for before, after in pairwise(events):
        assert after["previous_configuration_digest"] == before["configuration_digest"]
        assert after["entries_before"] == before["entries_after"]
    assert kept(made)[0] == events[-1]["configuration_digest"]
    assert made.ask("SELECT position FROM ledger.submissions WHERE submitter = %s", SUBMITTER) == [(1,)]
    assert checked(made).findings == []


def test_a_writer_at_work_goes_on_by_the_list_that_another_process_brought(
    made: Store,
) -> None:
    """It decides by the store's list at every position, so that the log can be decided again."""
    limit = entry(0, "payout.ceiling_fen")
    with made.writer() as writer:
        assert [one.status for one in budget(made, writer, "r1")] == ["recorded"]
        extended(made, limit)
        assert [one.status for one in budget(made, writer, "r2")] == ["recorded"]
        assert writer._config.digest() == Configuration.load(made.config).digest()
    assert made.positions() == [1, 2, 3]
    assert checked(made).findings == []


def test_a_writer_whose_list_is_not_the_beginning_of_the_stores_decides_nothing(made: Store) -> None:
    writer = Store(made.dsn, (*made.config, entry(3))).writer()
    extended(made, entry(4))
    with writer, pytest.raises(StoreMismatch, match="repeat the command"):
        budget(made, writer, "r1")
    assert made.positions() == [1]


def test_nobody_can_submit_it_or_keep_its_reference_from_us(made: Store, tmp_path: Any) -> None:
    after = longer(made, entry(10))
    taken = f"configuration-{after.digest()}"
    own = '"province":"34","programme":"grain","amount_fen":1,"document":"d"}\n'
    head = '{"command":"%s","submitter":"%s","reference":"%s","occurred_at":"2025-06-15T08:00:00Z",'
    outcomes = submitted(
        made,
        tmp_path,
        head % ("ExtendConfiguration", "T1", "r1") + own,
        head % ("ConfigurationExtended", "T1", "r1") + own,
        head % ("IssueBudget", SUBMITTER, taken) + own,
    )
    assert [one.code for one in outcomes if isinstance(one, Rejected)] == ["unknown_command"] * 2
    assert isinstance(outcomes[2], Receipt)

    extended(made, entry(10))

    assert [one["reference"] for one in recorded(made)] == [f"{taken}-2"]
    again = submitted(made, tmp_path, head % ("IssueBudget", SUBMITTER, f"{taken}-2") + own)
    assert [one.code for one in again] == ["reference_reused"]
    assert checked(made).findings == []


def test_no_command_of_the_registry_extends() -> None:
    assert configuration.EXTENSION.name not in TABLE.commands
