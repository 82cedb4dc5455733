"""`enterprise`: one file of all that is known of an enterprise."""

from typing import Annotated, Any

import typer

from ops.cli.output import Json, for_people, table, yuan
from ops.cli.sources import Source, told_reach
from ops.cli.things import answer_file
from projections.questions import enterprises

CARDS = ("card", "state", "since", "until", "area", "bank", "looked at>", "restricted")
FUNDS = ("province", "programme", "grants>", "amount>", "last credited")
AGENTS = ("delegation", "agent", "matters", "since", "until", "ended")
USES = ("act", "at", "uses>", "failures>", "amount>", "last")
GIVEN = {"enterprises": "the file", "persons": "agents who are left out"}


def enterprise(
    name: Annotated[str, typer.Argument(metavar="CREDIT_CODE|CARD", help="Its credit code, or a card of it.")],
    source: Source = None,
    as_json: Json = False,
) -> int:
    """Show one enterprise's file.

    Card and bank, policy funds, agents, and what the card was used for.

    \b
    Example:
      onecard enterprise 91350100M000100Y43
    """
    return answer_file(
        source, as_json, enterprises.VIEWS, lambda cursor, one: enterprises.file_of(cursor, one, name), _show
    )


def _show(found: dict[str, Any]) -> None:
    cards = ("card_id", "state", "issued_on", "expires_on", "issuing_area", "bank", "accesses", "restricted_on")
    agents = ("delegation_id", "person", "matters", "valid_from", "valid_to", "ended_on")
    uses = ("act", "at", "uses", "failures")
    with for_people() as console:
        console.print(f"Enterprise {found['credit_code']}: {yuan(found['policy_fund_fen'])} yuan of policy funds.")
        if found["restricted"]:
            console.print("  processing is restricted")
        for title, columns, rows in (
            ("Cards", CARDS, [[one[key] for key in cards] for one in found["cards"]]),
            (
                "Policy funds",
                FUNDS,
                [
                    [one["province"], one["programme"], one["grants"], yuan(one["amount_fen"]), one["last_credited_on"]]
                    for one in found["funds"]
                ],
            ),
            ("Agents", AGENTS, [[one[key] for key in agents] for one in found["agents"]]),
            (
                "Used for",
                USES,
                [
                    [*(one[key] for key in uses), yuan(one["amount_fen"]), one["last_used_on"]]
                    for one in found["services"]
                ],
            ),
        ):
            if rows:
                console.print(table(columns, rows, title=f"\n{title}"))
        if hidden := found["agent_count"] - len(found["agents"]):
            console.print(f"... and {hidden:,} whose processing is restricted.")
        console.print(f"{told_reach(found, GIVEN).capitalize()}.")
