"""PostgreSQL without installing one: a server under the home directory, shared by the commands that run at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.postmaster import Postmaster, data_folder
from ops.processes import Progress
from ops.server_sizing import Profile
from ops.settings import make_home
from ops.sharing import shared_server


def has_data(home: Path) -> bool:
    """Whether a database was ever made there."""
    return data_folder(home.absolute()).exists()


@contextmanager
def embedded_server(home: Path, progress: Progress, *, profile: Profile = "store") -> Iterator[str]:
    """Keep the home directory's server running inside the block; gives the connection string of its database.

    `progress` is told in whole sentences about anything that takes longer than a second.
    """
    home = home.absolute()
    make_home(home)
    server = Postmaster(home, profile)
    with shared_server(server, home, "database", progress):
        yield server.dsn
