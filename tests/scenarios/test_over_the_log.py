"""Each scenario from its file of commands to its figures, the views following the log."""

from pathlib import Path

import pytest

from ops.scenarios.story import stories
from tests.fix_command import Onecard
from tests.scenarios import telling

STORIES = stories()


@pytest.mark.parametrize("name", STORIES)
def test_scenario(name: str, onecard: Onecard, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = STORIES[name]
    if story.rules is not None:
        monkeypatch.setenv("ONECARD_CONFIG", str(story.rules))
    telling.assert_answered(onecard, story, tmp_path)
    assert onecard("follow", "--until-caught-up").code == 0
    telling.assert_figures(onecard, story)
    telling.assert_shown(onecard, story)
    telling.assert_recorded(dsn, story)
    telling.assert_sound(onecard, story)
