"""`follow --source all`, on a broker of its own: the sources that other tests break are not to be followed here."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.fix_command import Onecard
from tests.fix_kafka import Kafka, broker_of_ones_own
from tests.fix_planting import fill
from tests.fix_stores import Store
from tests.projections.feed.planting import Planting


@pytest.fixture(scope="module")
def broker() -> Iterator[Kafka]:
    with broker_of_ones_own() as own:
        yield own


def test_every_source_is_followed_and_a_broken_one_holds_up_nobody(
    unpublished: str, onecard: Onecard, store: Store, tmp_path: Path, plant: Callable[[Store], Planting]
) -> None:
    assert onecard("relay", "--until-caught-up").code == 0
    fill(store, tmp_path, 5, 120)
    good, bad = plant(store), plant(store)
    good.publish()
    bad.publish(change=lambda found: [one for one in found if one is not found[30]])
    ended = onecard("follow", "--source", "all", "--until-caught-up", "--json")
    assert ended.code == 1 and f"stops at source {bad.source}: record_missing" in ended.stderr
    reached = {(one["source"], one["name"]): one["to_position"] for one in ended.json["followers"]}
    ours = {source for source, _ in reached}
    assert {unpublished, good.source, bad.source} <= ours
    assert {reached[good.source, name] for name in ("audit", "balances", "clearing")} == {good.position}
    assert {reached[bad.source, name] for name in ("audit", "balances", "clearing")} == {30}
    one = onecard("follow", "audit", "--source", good.source, "--until-caught-up", "--json")
    assert (one.code, one.json["followers"][0]["applied"]) == (0, 0)

    before = onecard("trial-balance", "--source", good.source, "--json").json
    for view in ("audit", "balances", "clearing"):
        rebuilt = onecard("rebuild", view, "--source", good.source, "--json")
        assert (rebuilt.code, rebuilt.json["swapped"], rebuilt.json["applied"]) == (0, True, good.position), (
            rebuilt.stderr
        )
        assert rebuilt.json["to_version"] == rebuilt.json["from_version"] == 1
    assert onecard("trial-balance", "--source", good.source, "--json").json == before
    assert onecard("rebuild", "balances", "--json").json["swapped"]
    assert onecard("accounts", "--source", "all", "--json").code == 0


def test_a_follower_that_a_transaction_holds_up_ends_when_it_is_told_to(
    unpublished: str, kafka: Kafka, onecard: Onecard
) -> None:
    producer = Producer(
        {"bootstrap.servers": kafka.local, "transactional.id": f"forgotten-{unpublished}", "log_level": 0}
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    for number in range(kafka.topology.partitions):
        producer.produce(kafka.topology.events("card", unpublished), value=b"never committed", partition=number)
    producer.flush(10)
    assert onecard("relay", "--until-caught-up").code == 0
    for source in (unpublished, "all"):
        program = f"import sys; from ops.cli.main import main; sys.exit(main(['follow', '--source', '{source}']))"
        with subprocess.Popen([sys.executable, "-c", program]) as process:
            while not onecard("lag", "--json").json["followers"][0]["running"]:
                pass
            time.sleep(3)
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) == 0
    producer.abort_transaction(10)
