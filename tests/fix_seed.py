"""Chance that can be had again: one seed per run, printed in the header, for our own traffic and for hypothesis."""

import os
import platform
import random
from typing import Any

import hypothesis
import pytest

hypothesis.settings.register_profile("onecard", deadline=None, print_blob=True, derandomize=False)
hypothesis.settings.register_profile(
    "soak", parent=hypothesis.settings.get_profile("onecard"), max_examples=int(os.environ.get("ONECARD_SOAK", "5000"))
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=None, help="seed of random traffic (default: drawn, and printed)")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        config.option.seed = config.workerinput["seed"]
    elif config.option.seed is None:
        config.option.seed = random.SystemRandom().randrange(1_000_000)
    if config.getoption("hypothesis_seed", None) is None:
        config.option.hypothesis_seed = str(config.option.seed)
    hypothesis.settings.load_profile("soak" if "ONECARD_SOAK" in os.environ else "onecard")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A worker of xdist is given the words that were typed, not what was drawn from them: without this each of them
    would draw a seed of its own, and the printed one would bring nothing back."""
    node.workerinput["seed"] = node.config.option.seed


def pytest_report_header(config: pytest.Config) -> str:
    return f"python {platform.python_version()}, seed {config.option.seed} (again: --seed {config.option.seed})"


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """The seed of this run."""
    return int(pytestconfig.option.seed)
