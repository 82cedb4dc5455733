"""`python -m ops.scenarios`: write the page of scenarios, or with --check tell whether it is stale."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ops.derived_page import write_or_check
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
    return write_or_check("ops.scenarios", PAGE, lambda: render(list(stories().values())), findings, arguments)


if __name__ == "__main__":
    sys.exit(main())
