"""Where a figure stands in a document: keys with dots between them, and in brackets which element of a list.

accounts[account=card:*:wallet].balance_fen    of the one account whose name fits, * standing for anything
rows[home=34,treatment=31].payable_fen         of the one row that fits both
events[0].event                                of the first; [-1] is the last
lines.#                                        how many there are
lines[state=PAID].#                            how many fit
    events[data.cross_province=true].#             by something deeper; truth and numbers are written as in JSON
"""

import json
import re
from fnmatch import fnmatchcase
from typing import Any, Final

STEP: Final = re.compile(r"([A-Za-z_0-9]+|#)?((?:\[[^]]*\])*)(?:\.|$)")
Scalar = int | str | bool | None


class NotFound(Exception):
    """The document has no such figure; the message says at which step the search ended."""


def figure(document: Any, path: str) -> Scalar:
    """The one number, text or truth at a path."""
    found = document
    many = False
    for name, *picks in _steps(path):
        if name == "#":
            return len(found)
        if many:
            found = _only(found, path)
        if name is not None:
            if not isinstance(found, dict) or name not in found:
                raise NotFound(f"{path}: there is no {name!r} in {_told(found)}")
            found = found[name]
        many = False
        for pick in picks:
            found, many = _picked(found, pick, path)
    if many:
        found = _only(found, path)
    if found is not None and not isinstance(found, int | str | bool):
        raise NotFound(f"{path} is {_told(found)} and no single figure")
    return found


def _steps(path: str) -> list[list[str | None]]:
    steps, begin = [], 0
    while begin < len(path):
        step = STEP.match(path, begin)
        if step is None or step.end() == begin:
            raise NotFound(f"{path} cannot be read from character {begin + 1} on")
        steps.append([step[1], *re.findall(r"\[([^]]*)\]", step[2])])
        begin = step.end()
    return steps


def _picked(found: Any, pick: str | None, path: str) -> tuple[Any, bool]:
    """An element by its number, or all that fit."""
    assert pick is not None
    if not isinstance(found, list):
        raise NotFound(f"{path}: [{pick}] wants a list, not {_told(found)}")
    if re.fullmatch(r"-?[0-9]+", pick):
        if not -len(found) <= int(pick) < len(found):
            raise NotFound(f"{path}: there are {len(found)} elements and none is [{pick}]")
        return found[int(pick)], False
    wanted = [one.partition("=")[::2] for one in pick.split(",")]
    return [one for one in found if all(_fits(one, key, pattern) for key, pattern in wanted)], True


def _fits(element: Any, key: str, pattern: str) -> bool:
    for part in key.split("."):
        if not isinstance(element, dict) or part not in element:
            return False
        element = element[part]
    return fnmatchcase(element if isinstance(element, str) else json.dumps(element), pattern)


def _only(found: list[Any], path: str) -> Any:
    if len(found) != 1:
        raise NotFound(f"{path}: {len(found)} elements fit where one was meant")
    return found[0]


def _told(found: Any) -> str:
    if isinstance(found, dict):
        return f"an object with {', '.join(found) or 'nothing'}"
    return f"a list of {len(found)}" if isinstance(found, list) else repr(found)
