"""Each scenario from its file of commands to its figures, the views following the topics of a real broker."""

from pathlib import Path

import pytest

from ops.scenarios.story import stories
from tests.fix_command import Onecard
from tests.fix_kafka import Kafka
from tests.scenarios import telling

STORIES = stories()


@pytest.mark.parametrize("name", STORIES)
def test_scenario(
    name: str, new_source: str, kafka: Kafka, onecard: Onecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = STORIES[name]
    if story.rules is not None:
        monkeypatch.setenv("ONECARD_CONFIG", str(story.rules))
    telling.assert_answered(onecard, story, tmp_path)
    kafka.make_topics(new_source)
    monkeypatch.setenv("ONECARD_KAFKA_BOOTSTRAP", kafka.local)
    assert onecard("relay", "--until-caught-up").code == 0
    assert onecard("follow", "--until-caught-up").code == 0
    telling.assert_figures(onecard, story)
    # Reading every record again takes a second, and one story is about nothing else.
    telling.assert_sound(onecard, story, "topics,views,seals" if name == "trust" else "views,seals")
