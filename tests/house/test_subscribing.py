"""The programs in docs/subscribing.md are the files that CI builds and runs, to the last character."""

import re

from tests.house.tree import ROOT

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAMPLES = ROOT / "samples" / "subscribers"
SHOWN = {"python": "python/subscribe.py", "java": "java/src/Subscribe.java", "go": "go/subscribe.go"}


def test_each_program_in_the_document_is_the_one_that_is_run() -> None:
    text = (ROOT / "docs" / "subscribing.md").read_text("utf-8")
    blocks = dict(BLOCK.findall(text))
    assert blocks == {language: (SAMPLES / path).read_text("utf-8") for language, path in SHOWN.items()}


def test_the_document_begins_with_what_a_consumer_must_be_built_on() -> None:
    beginning = (ROOT / "docs" / "subscribing.md").read_text("utf-8").partition("## ")[0]
    for word in ("read_uncommitted", "one partition, in order", "ce_id", "prev_position"):
        assert word in beginning
