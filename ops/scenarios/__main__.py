"""`python -m ops.scenarios`: write the page of scenarios, or with --check tell whether it is stale."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ops.scenarios.page import render
from ops.scenarios.story import NUMBERS, SAMPLES, Incomplete, stories

PAGE: Final = SAMPLES.parent / "docs" / "scenarios.md"


def findings(samples: Path = SAMPLES, page: Path = PAGE) -> list[str]:
    """What is wrong with the stories or the page, a sentence each."""
    try:
        found = list(stories(samples).values())
    except Incomplete as incomplete:
        return [f"{incomplete}."]
    numbers = [story.number for story in found]
    wrong = [f"no folder under samples/ is scenario {number}." for number in NUMBERS if number not in numbers]
    wrong += [
        f"{numbers.count(number)} folders are scenario {number}."
        for number in set(numbers)
        if numbers.count(number) > 1
    ]
    if not page.exists() or page.read_text("utf-8") != render(found):
        wrong.append(f"{page.name} is stale: python -m ops.scenarios writes it.")
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.scenarios", description="write docs/scenarios.md")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 when the page is stale")
    if not parser.parse_args(arguments).check:
        PAGE.write_text(render(list(stories().values())), "utf-8")
        return 0
    wrong = findings()
    sys.stdout.writelines(f"{sentence}\n" for sentence in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
