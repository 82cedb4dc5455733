"""A connection to the store's database as our work needs it, whatever is set there for other programs.

An administrator's limits on statements and sessions are for people and web pages. Here they would end a cut-off or a
rebuild each time at the same place, take the lease for lost while its holder only waits for its turn, and end a
follower that has nothing to do; so they are set aside, as pg_dump does.
"""

import os
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

# A machine that vanishes says no good-bye. Left to the system's two hours, its locks would be held that long (nobody
# relays, decides or follows in its stead), and who waits for a server's answer would wait that long.
ALIVE: Final = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
ALIVE_AT_THE_SERVER: Final = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
LIMITS: Final[tuple[str, ...]] = (
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
)
FIRST_WITH_TRANSACTION_TIMEOUT: Final = 170_000
# A receipt promises that its event is on the disk. Stricter than that, as with replicas, is not ours to loosen.
DURABLE: Final = (
    "CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END"
)


def connect(conninfo: str) -> psycopg.Connection[Any]:
    """An autocommit connection; its text is UTF-8, whatever PGCLIENTENCODING says."""
    # An administrator who looks at who holds a lock finds the process by this, unless the URL says another.
    named = {"fallback_application_name": f"onecard, process {os.getpid()}"}
    wanted: dict[str, Any] = ALIVE | named | conninfo_to_dict(conninfo) | {"client_encoding": "UTF8"}
    connection = psycopg.connect(**wanted, autocommit=True)
    try:
        names = LIMITS
        if connection.info.server_version >= FIRST_WITH_TRANSACTION_TIMEOUT:
            names = (*LIMITS, "transaction_timeout")
        settings = ALIVE_AT_THE_SERVER | dict.fromkeys(names, "0")
        chosen = [f"set_config('{name}', '{value}', false)" for name, value in settings.items()]
        connection.execute(f"SELECT {', '.join([*chosen, DURABLE])}".encode())
    except BaseException:
        connection.close()
        raise
    return connection
