"""Who the embedded server runs as when we are root.

PostgreSQL refuses to run as root, and the checkout of a root user is often a place no other account may enter
(/root, a private temporary directory). Opening those directories to the world would be a poor thank-you for
trying us out. Instead the server runs as an unprivileged account and, only where that account cannot get to its
own files, it is handed the one capability that lets it pass through and read.
"""

import ctypes
import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.problems import EnvironmentProblem

ACCOUNTS = ("postgres", "nobody")

# From the kernel's capability.h and prctl.h.
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
_CAPABILITY_VERSION_3 = 0x20080522
_PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 8, 47, 2


@dataclass(frozen=True)
class Account:
    """An unprivileged account, and the capability it needs to reach its files (None: it gets there unaided)."""

    uid: int
    gid: int
    capability: int | None = None

    def process_options(self) -> dict[str, Any]:
        """Arguments for subprocess that make the child run as this account."""
        if self.capability is None:
            return {"user": self.uid, "group": self.gid, "extra_groups": []}
        return {"preexec_fn": _step_down(self.uid, self.gid, self.capability)}


def server_account(data: Path, needed: list[Path]) -> Account | None:
    """The account for the server of this data directory; None when we are not root and simply run it ourselves."""
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise EnvironmentProblem(
                f"{data} belongs to {_name(owner)}; run as that user, or choose another ONECARD_HOME."
            )
        return None
    entry = pwd.getpwuid(owner) if owner else _first_account()
    unreachable = [path for path in needed if not _reaches(entry.pw_uid, entry.pw_gid, path)]
    if not unreachable:
        return Account(entry.pw_uid, entry.pw_gid)
    held = _permitted_capabilities()
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        if held >> capability & 1:
            return Account(entry.pw_uid, entry.pw_gid, capability)
    raise EnvironmentProblem(
        f"PostgreSQL does not run as root, and user {entry.pw_name} cannot reach {unreachable[0]}; "
        "run as another user, or set ONECARD_DATABASE_URL to a server."
    )


def _first_account() -> pwd.struct_passwd:
    for name in ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EnvironmentProblem(
        f"PostgreSQL does not run as root, and there is no user {' or '.join(ACCOUNTS)} to run it as; "
        "run as another user, or set ONECARD_DATABASE_URL to a server."
    )


def _name(uid: int | None) -> str:
    try:
        return f"user {pwd.getpwuid(uid or 0).pw_name}"
    except KeyError:
        return f"user {uid}"


def _reaches(uid: int, gid: int, path: Path) -> bool:
    """Whether permission bits alone let the account pass every directory up to the path, and read a file there."""
    resolved = path.resolve()
    for place in (resolved, *resolved.parents):
        found = place.stat()
        shift = 6 if found.st_uid == uid else 3 if found.st_gid == gid else 0
        wanted = 0o1 if place.is_dir() else 0o5
        if found.st_mode >> shift & wanted != wanted:
            return False
    return True


def _permitted_capabilities() -> int:
    """The capabilities we hold as a bit set; none where the kernel does not tell (not Linux)."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1], 16) for line in lines if line.startswith("CapPrm:")), 0)


def _step_down(uid: int, gid: int, capability: int) -> Callable[[], None]:
    """A function for the child, between fork and exec: become the account and keep one capability over the exec."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    bit = 1 << capability
    # Two words each of effective, permitted, inheritable: the low 32 capabilities, then the high ones.
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)

    def checked(result: int, step: str) -> None:
        if result != 0:
            raise OSError(ctypes.get_errno(), step)

    def step_down() -> None:
        checked(libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0), "keep capabilities")
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        checked(libc.capset(header, sets), "set capabilities")
        checked(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0), "raise ambient capability")

    return step_down
