"""`serve`: the schema registry, health and metrics over HTTP, until told to stop."""

from typing import Annotated

import typer

from ops.cli.opening import settings_now
from ops.cli.output import DONE, progress_told, tell


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; nobody is asked for a password.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: any free one.", min=0, max=65535)] = 8081,
    schemas_only: Annotated[bool, typer.Option(help="No database and no Kafka: the schema registry alone.")] = False,
) -> int:
    """Serve schemas, health and metrics over HTTP.

    Kafka consumers anywhere read the ledger's topics with their own deserializers and this as their schema registry.

    \b
    Example:
      onecard serve --port 8081
    """
    # No other command needs a web server, and each would wait for it at its start.
    from ops.api import serving

    def ready(address: str) -> None:
        tell(f"Schemas, health and metrics: {address} (Ctrl-C ends it)")

    serving.serve(settings_now(), host, port, schemas_only, progress_told, ready)
    return DONE
