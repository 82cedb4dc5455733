"""The order of files when several workers share them: those that take long first.

A file is one worker's. Left to itself xdist begins with the files that have many tests, and those are the quick ones:
at the end one worker is alone with a file of minutes. How long a file takes shows in what its tests need.
"""

from collections import Counter

import pytest

# About how many milliseconds a test takes that asks for this fixture, or has this mark.
NEEDS = {"own_broker": 10_000, "kafka": 2_000, "databases": 400}
SLOW = 8_000
OTHERWISE = 20


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.pluginmanager.hasplugin("xdist"):
        config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not hasattr(config, "workerinput"):
        return
    takes: Counter[object] = Counter()
    for item in items:
        takes[item.path] += _milliseconds(item)
    items.sort(key=lambda item: -takes[item.path])


def _milliseconds(item: pytest.Item) -> int:
    """A guess that is the same in every worker, whatever the machine."""
    fixtures = getattr(item, "fixturenames", ())
    needed = max((takes for name, takes in NEEDS.items() if name in fixtures), default=OTHERWISE)
    return max(needed, SLOW if item.get_closest_marker("slow") else 0)
