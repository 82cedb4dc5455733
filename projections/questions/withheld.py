"""Persons whom a list in somebody else's file leaves out: their processing is restricted, or their key is destroyed."""

from collections.abc import Iterable
from typing import Final

from projections.questions.together import Together
from projections.views.business.persons import Person, PersonalCard

WITHHELD: Final = """
    SELECT encode(person, 'hex') FROM {cards}
    WHERE source = %(source)s AND person = ANY(%(persons)s) AND restricted_on IS NOT NULL AND state <> 'CANCELLED'
    UNION SELECT encode(person, 'hex') FROM {persons}
    WHERE source = %(source)s AND person = ANY(%(persons)s) AND erased_on IS NOT NULL
"""


def withheld(views: Together, persons: Iterable[str]) -> set[str]:
    """Those of these person keys that are."""
    statement = WITHHELD.format(cards=views.table(PersonalCard), persons=views.table(Person))
    return {person for (person,) in views.ask(statement, persons=[bytes.fromhex(one) for one in persons])}
