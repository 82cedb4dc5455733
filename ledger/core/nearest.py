"""The known name that was probably meant by an unknown one: asked only where a command is refused.

The answer is always one of the known names. What was typed goes nowhere: it may be anything, a person's number too.
"""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final

# Longer than any name, and short enough to compare with all of them.
LONGEST: Final = 40
WORD: Final = re.compile(r"[A-Za-z][a-z]*")
ENOUGH: Final = 65


def nearest(typed: str, known: Iterable[str]) -> str | None:
    """The known name most like `typed`, letter by letter or word by word in any order; None if none is near."""
    best, found = ENOUGH, None
    for spelling in (_letters, _words):
        matcher = SequenceMatcher(b=spelling(typed[:LONGEST]))
        for name in known:
            matcher.set_seq1(spelling(name))
            if matcher.real_quick_ratio() * 100 > best and matcher.quick_ratio() * 100 > best:
                likeness = int(matcher.ratio() * 100)
                if likeness > best:
                    best, found = likeness, name
    return found


def _letters(name: str) -> str:
    return name.lower()


def _words(name: str) -> str:
    """CardIssue and IssueCard are the same words."""
    return "".join(sorted(word.lower() for word in WORD.findall(name)))
