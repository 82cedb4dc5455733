"""The laptop's broker: made once, found again whatever happened to it or to those who started it."""

from tests.fix_kafka import Kafka


def test_topics_are_made_on_the_broker_of_the_run_and_known_to_it(kafka: Kafka) -> None:
    source = kafka.source()
    assert len(kafka.make_topics(source)) == 8
    with kafka.admin() as admin:
        assert set(kafka.topics_of(source)) <= set(admin.list_topics())


def test_a_broker_that_was_killed_comes_back_at_its_address_with_what_it_held(own_broker: Kafka) -> None:
    source = own_broker.source()
    own_broker.make_topics(source)
    own_broker.kill()
    assert own_broker.broker is not None and own_broker.broker.pid() is None
    own_broker.revive()
    with own_broker.admin() as admin:
        assert set(own_broker.topics_of(source)) <= set(admin.list_topics())
