"""`relay`: publishing to Kafka, which is not built yet and says so."""

from typing import Annotated, NoReturn

import typer

from ops.cli.output import Json, unable

NOT_BUILT = "Publishing to Kafka is not built yet: views follow the log itself, and nothing else needs it."


def relay(
    until_caught_up: Annotated[bool, typer.Option(help="End when nothing more is to be published.")] = False,
    as_json: Json = False,
) -> NoReturn:
    """Publish to Kafka (not built yet).

    \b
    Example:
      onecard relay --until-caught-up
    """
    unable(NOT_BUILT)
