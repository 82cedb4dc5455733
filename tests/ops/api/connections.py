"""Who of `onecard serve` is connected to a database."""

import time

import psycopg


def is_let_go(dsn: str) -> bool:
    """Whether nobody of `onecard serve` is connected; a server notices a moment later that we hung up."""
    held = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'onecard serve'"
    with psycopg.connect(dsn, autocommit=True) as connection:
        for _ in range(100):
            if connection.execute(held).fetchone() == (0,):
                return True
            time.sleep(0.02)
    return False
