"""What strangers need: a schema registry that answers, topics with every event, and programs that may be missing."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.fix_kafka import Kafka
from tests.interop.publication import Publication, publish

SERVE = "import sys; from ops.cli.main import main; sys.exit(main(['serve', '--schemas-only', '--port', '0']))"
ADDRESS = "http://"


@pytest.fixture(scope="session")
def registry_url() -> Iterator[str]:
    """`onecard serve` as it is started for consumers, without a ledger behind it."""
    with subprocess.Popen([sys.executable, "-c", SERVE], stderr=subprocess.PIPE, text=True) as served:
        assert served.stderr is not None
        told = served.stderr.readline()
        assert ADDRESS in told, told + served.stderr.read()
        yield ADDRESS + told.split(ADDRESS)[1].split()[0]
        served.terminate()
        assert served.wait(20) == 0


@pytest.fixture
def publication(kafka: Kafka) -> Publication:
    """Every event there is, on topics of this test's own."""
    return publish(kafka)


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """The path of a program, or a skip that nobody overlooks."""

    def needed(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"NO {name.upper()}, NOT TESTED: readers that need it are tested where it is installed")
        return found

    return needed
