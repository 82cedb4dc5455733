"""How large the embedded server makes itself on this machine.

Durability is never a matter of size: fsync, synchronous commit and full-page writes stay on for a store. What is
sized is memory and the room between checkpoints: with little of it every page is written in full again and again.
"""

import shutil
from pathlib import Path
from typing import Literal

import psutil

Profile = Literal["store", "test"]

MB = 1024 * 1024
GB = 1024 * MB

_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")

_ALWAYS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_compression": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # What a statement did wrong is told to the client that sent it; the server's log is about the server.
    "log_min_messages": "log",
    "logging_collector": "off",
}


def server_settings(profile: Profile, memory: int, free_disk: int) -> dict[str, str]:
    """PostgreSQL settings for so many bytes of memory and of free disk. A test server is small and forgets on a crash
    of the machine, which no test causes."""
    if profile == "test":
        sized: dict[str, str | int] = {
            "fsync": "off",
            "shared_buffers": 64 * MB,
            "max_wal_size": GB,
            "min_wal_size": 80 * MB,
        }
    else:
        most_wal = _between(GB, free_disk // 5, 16 * GB)
        sized = {
            "fsync": "on",
            "shared_buffers": _between(128 * MB, memory // 4, 4 * GB),
            "effective_cache_size": _between(256 * MB, memory // 2, 64 * GB),
            "maintenance_work_mem": _between(64 * MB, memory // 16, GB),
            "work_mem": _between(4 * MB, memory // 256, 64 * MB),
            "wal_buffers": _between(16 * MB, memory // 256, 64 * MB),
            "max_wal_size": most_wal,
            "min_wal_size": most_wal // 8,
            "checkpoint_timeout": "30min",
        }
    return _ALWAYS | {name: f"{size // MB}MB" if isinstance(size, int) else size for name, size in sized.items()}


def machine_memory() -> int:
    """Bytes of memory we may count on: the machine's, or the container's when that is less."""
    limits = [int(psutil.virtual_memory().total)]
    for path in _CGROUP_LIMITS:
        try:
            text = Path(path).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            limits.append(int(text))
    return min(limits)


def free_disk(folder: Path) -> int:
    """Bytes still free on the disk under this folder."""
    return shutil.disk_usage(folder).free


def _between(least: int, wanted: int, most: int) -> int:
    return max(least, min(wanted, most))
