"""`serve`: the schema registry, health and metrics over HTTP. `schemas export`: the registry as files."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ops.cli.opening import settings_now
from ops.cli.output import DONE, Json, answer, counted, progress_told, tell
from schemas.registry import registry


def serve(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; nobody is asked for a password.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", help="0: any free one.", min=0, max=65535)] = 8081,
    schemas_only: Annotated[
        bool, typer.Option("--schemas-only", help="No database and no Kafka: the schema registry alone.")
    ] = False,
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


def export(
    directory: Annotated[
        Path, typer.Argument(metavar="DIRECTORY", help="Made if it is not there; files of the same names are replaced.")
    ],
    as_json: Json = False,
) -> int:
    """Write the schema registry as files.

    Each answer of `onecard serve` becomes PATH/index.json, for any web server that looks there (nginx: try_files
    $uri/index.json =404). Deserializers need nothing else.

    \b
    Example:
      onecard schemas export registry/
    """
    from ops.api.subjects import Subjects

    count = 0
    for path, page in Subjects(registry()).pages():
        file = directory / path / "index.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(page, ensure_ascii=False) + "\n", encoding="utf-8")
        count += 1
    return answer({"directory": str(directory), "files": count}, as_json, _show_export)


def _show_export(found: dict[str, Any]) -> None:
    tell(f"{counted(found['files'], 'answer')} of the registry, as files, under {found['directory']}.")
