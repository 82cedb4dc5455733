"""What a ledger told so far: its events by name, its balances, its rows. Laws read nothing else."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Event = dict[str, Any]
Law = Callable[["Told"], Iterator[str]]


class Told:
    """`events`: (position, name, event), as recorded; `balances`: by account; `row`: what decisions remember."""

    def __init__(
        self,
        events: list[tuple[int, str, Event]],
        balances: Mapping[str, int],
        row: Callable[[type[Any], str], Any],
    ) -> None:
        self.events = events
        self.balances = balances
        self.row = row
        self._by_name: dict[str, list[Event]] = defaultdict(list)
        for _, name, event in events:
            self._by_name[name].append(event)

    def of(self, name: str) -> list[Event]:
        return self._by_name.get(name, [])

    def balance(self, account: str) -> int:
        return self.balances.get(account, 0)

    def by_prefix(self, prefix: str) -> Iterator[tuple[list[str], int]]:
        """(parts of the account's name, balance) of every account that begins so."""
        return ((name.split(":"), fen) for name, fen in self.balances.items() if name.startswith(prefix))


def offences(told: Told, laws: tuple[Law, ...]) -> list[str]:
    return [f"{law.__name__}: {offence}" for law in laws for offence in law(told)]
