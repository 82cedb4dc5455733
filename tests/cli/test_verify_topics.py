"""`verify --against topics` as an operator meets it: one document, exit codes, and what is told beside it."""

from pathlib import Path

import psycopg
import pytest

from projections.kafka.publisher import Publisher
from tests.cli.lines import issue, write
from tests.fix_command import Onecard
from tests.fix_kafka import Kafka

CARD = "SELECT originator_id::text, count(*) FROM ledger.events GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"


@pytest.fixture
def published(unpublished: str, onecard: Onecard) -> str:
    """A source with a store, its relay has published everything."""
    assert onecard("relay", "--until-caught-up").code == 0
    return unpublished


def put_foreign(kafka: Kafka, source: str) -> None:
    """Something that no relay has written."""
    with Publisher(kafka.access(), f"onecard-relay-{source}") as publisher:
        publisher.begin()
        publisher.send(kafka.topology.events("card", source), 0, b"k" * 16, b"who am I", [], 1)
        publisher.commit()


def test_published_topics_are_the_store(published: str, onecard: Onecard) -> None:
    ended = onecard("verify", "--against", "topics", "--json")

    assert (ended.code, ended.stderr, ended.json["findings"], ended.json["against"]) == (0, "", [], ["topics"])
    assert ended.json["checked"]["records"] == ended.json["checked"]["events"] > 0
    people = onecard("verify", "--against", "topics")
    assert f"{ended.json['checked']['records']:,} records" in people.stdout and "nothing is wrong" in people.stdout


def test_findings_on_topics_are_told_and_end_with_1(published: str, kafka: Kafka, onecard: Onecard) -> None:
    put_foreign(kafka, published)

    ended = onecard("verify", "--against", "topics", "--json")

    assert ended.code == 1
    (finding,) = ended.json["findings"]
    assert (finding["kind"], finding["position"]) == ("record_extra", None)
    assert finding["subject"].startswith(f"onecard.card.{published}.events.v1/0@")
    assert onecard("verify", "--json").code == 0
    people = onecard("verify", "--against", "topics")
    assert people.code == 1 and "record_extra" in people.stdout and "1 finding" in people.stdout


def test_what_the_relay_has_not_published_is_told_on_stderr(published: str, onecard: Onecard, tmp_path: Path) -> None:
    another = issue(
        card_sn="340000D15600000500000000000000FF",
        card_number="A00000097",
        social_security_number="340101196001010030",
        bank_account="00" * 32,
    )
    assert onecard("submit", write(tmp_path / "more", another)).code == 0

    ended = onecard("verify", "--against", "topics", "--json")

    assert (ended.code, ended.json["ok"]) == (0, True)
    assert ended.json["checked"]["records"] == ended.json["checked"]["events"] - 1
    assert "not published yet" in ended.stderr and "onecard relay" in ended.stderr


def test_one_card_is_compared_with_its_records(published: str, onecard: Onecard, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        card, events = connection.execute(CARD).fetchone() or ("", 0)

    ended = onecard("verify", "--card", card, "--against", "topics", "--json")

    assert (ended.code, ended.json["findings"]) == (0, [])
    assert ended.json["checked"]["records"] == ended.json["checked"]["events"] == events


def test_a_user_who_may_not_read_every_family_is_told_so_before_the_long_work(
    published: str, kafka: Kafka, onecard: Onecard, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = kafka.access("onecard-nobody-k1")
    assert kafka.broker is not None
    monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", access.bootstrap)
    monkeypatch.setenv("ONECARD_KAFKA_USER", "onecard-nobody-k1")
    monkeypatch.setenv("ONECARD_KAFKA_PASSWORD_FILE", str(kafka.broker.password_file("onecard-nobody-k1")))

    ended = onecard("verify", "--against", "topics", "--json")

    assert (ended.code, ended.json["error"]["code"]) == (3, "environment")
    assert "onecard-nobody-k1" in ended.json["error"]["message"]


def test_topics_that_are_not_there_end_with_3(unpublished: str, kafka: Kafka, onecard: Onecard) -> None:
    with kafka.admin() as admin:
        admin.delete_topics([kafka.topology.events("transit", unpublished)])

    ended = onecard("verify", "--against", "topics", "--json")

    assert (ended.code, ended.json["error"]["code"]) == (3, "environment")
    assert "onecard topics apply" in ended.json["error"]["message"]
