"""`python -m ops.commands`: write the page of commands, or with --check tell whether it is stale."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ops.commands.page import render
from ops.derived_page import write_or_check

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "commands.md"
SAMPLE: Final = ROOT / "samples" / "first-day.jsonl"


def written() -> str:
    """The page as it should be, with the first line of the first sample as its example."""
    return render(SAMPLE.read_text("utf-8").splitlines()[0])


def findings(page: Path = PAGE) -> list[str]:
    """What is wrong with the page, a sentence each."""
    if page.exists() and page.read_text("utf-8") == written():
        return []
    return [f"{page.name} is stale: python -m ops.commands writes it."]


def main(arguments: Sequence[str] | None = None) -> int:
    return write_or_check("ops.commands", PAGE, written, findings, arguments)


if __name__ == "__main__":
    sys.exit(main())
