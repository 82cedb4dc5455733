"""The file of one enterprise, by its credit code or a card: card and bank, policy funds, agents, what it used."""

from typing import Any, Final

from ledger.core.calendar import date_text
from ledger.core.fields import CREDIT_CODE
from projections.questions.naming import quoted
from projections.questions.reach import up_to
from projections.questions.snapshot import Cursor, Unknown
from projections.questions.together import Together
from projections.questions.withheld import withheld
from projections.views.business.enterprises import ENTERPRISES, Agent, EnterpriseCard, Grant, Use
from projections.views.business.persons import PERSONS

VIEWS: Final = (ENTERPRISES, PERSONS)
NO_CODE: Final = "enterprise's credit code (18 of 0-9 A-Z without I O S V Z)"
OF_A_PERSON: Final = Unknown("enterprise_unknown", "this is a person's card: `onecard person` has the file")
FUNDS: Final = """
    SELECT province, programme, count(*), sum(amount_fen)::bigint, max(credited_on)
    FROM {grants} WHERE source = %(source)s AND card_id = ANY(%(cards)s::uuid[]) GROUP BY 1, 2 ORDER BY 1, 2
"""


def file_of(cursor: Cursor, source: str, name: str) -> dict[str, Any]:
    """Everything of one credit_code; Unknown if no card was issued for it.

    Agents who are restricted, or whose key is destroyed, are left out and counted.
    """
    views = Together(cursor, source, *VIEWS)
    is_code = CREDIT_CODE.fullmatch(name)
    code = name if is_code else views.card(EnterpriseCard, name, NO_CODE, OF_A_PERSON)["credit_code"]
    cards = views.rows(EnterpriseCard, "credit_code = %(code)s", code=code)
    if not cards:
        looked = up_to(cursor, source, views.position, *views.names)
        raise Unknown("enterprise_unknown", f"no card was issued for {quoted(code, 'credit code')} {looked}")
    own = {"cards": [one["card_id"] for one in cards]}
    grants, agents, uses = (
        views.rows(row_type, "card_id = ANY(%(cards)s::uuid[])", **own) for row_type in (Grant, Agent, Use)
    )
    hidden = withheld(views, {one["person"] for one in agents})
    funds = views.ask(FUNDS.format(grants=views.table(Grant)), **own)
    return {
        "cards": cards,
        "credit_code": code,
        "restricted": any(one["restricted_on"] is not None and one["state"] != "CANCELLED" for one in cards),
        "accesses": sum(one["accesses"] for one in cards),
        "accesses_elsewhere": sum(one["accesses_elsewhere"] for one in cards),
        "policy_fund_fen": sum(one["amount_fen"] for one in grants),
        "funds": [
            {"province": province, "programme": programme, "grants": count, "amount_fen": fen,
             "last_credited_on": date_text(last)}
            for province, programme, count, fen, last in funds
        ],
        "grants": grants,
        "agents": [one for one in agents if one["person"] not in hidden],
        "agent_count": len(agents),
        "services": uses,
        "position": views.position,
    }  # fmt: skip
