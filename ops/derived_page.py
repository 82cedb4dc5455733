"""The program of a page under docs/ that is derived: write it, or with --check tell whether it is stale."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path


def write_or_check(
    program: str,
    page: Path,
    written: Callable[[], str],
    findings: Callable[[], list[str]],
    arguments: Sequence[str] | None,
) -> int:
    """Exit code: 1 if --check found something, a sentence on stdout for each."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=f"write docs/{page.name}")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 when the page is stale")
    if not parser.parse_args(arguments).check:
        page.write_text(written(), "utf-8")
        return 0
    wrong = findings()
    sys.stdout.writelines(f"{sentence}\n" for sentence in wrong)
    return 1 if wrong else 0
