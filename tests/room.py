"""Where the tests' servers keep their data: in memory if the machine has room there, else with temporary files.

Every test has a database or topics of its own, which is hundreds of small files made and removed again; a disk's file
system takes its time for that, whether or not anything is written down. What tests kill are processes, never the
machine, so what they find afterwards is the same.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

MEMORY = Path("/dev/shm")
GB = 1 << 30
# The servers of a run have a few hundred MB of files. Many containers have only 64 MB there.
FREE_THERE, FREE_MEMORY = 2 * GB, 6 * GB


def made_room(prefix: str) -> Path:
    """A new folder for a server."""
    # The long forms of tests fill gigabytes.
    roomy = "ONECARD_SOAK" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= FREE_THERE
    in_memory = roomy and psutil.virtual_memory().available >= FREE_MEMORY
    return Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY if in_memory else None))


def rooms(prefix: str) -> Iterator[Path]:
    """Every such folder there is, those of other runs and those left behind too."""
    for place in (MEMORY, Path(tempfile.gettempdir())):
        yield from place.glob(f"{prefix}*")
