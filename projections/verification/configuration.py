"""The rules of the day: the store's list of entries against the log's record of how it grew.

A store begins with a list and grows it only together with an event. So the list at any position is the first one with
what the events up to there added: cut-offs are checked by it, and at the end of the log it must be the store's own.
"""

from collections.abc import Iterator
from typing import Any, Final

from ledger.core.configuration import Configuration
from ledger.core.decider import Event
from ledger.core.identity import Keyring
from ledger.families.governance.configuration import LEDGER, Extended, NotGrown, added, grown
from projections.findings import Finding
from projections.verification.scratch import Cursor

SUBJECT: Final = f"{Extended.kind}:{LEDGER}"
SELECT: Final = """
    SELECT secret_fingerprint, configuration_digest, configuration, first_entries FROM ledger.store
"""


class Rules:
    """`config`: the list in force at the position reached."""

    def __init__(self, cursor: Cursor, brought: Configuration, keyring: Keyring) -> None:
        cursor.execute(SELECT)
        kept = cursor.fetchone()
        self._before: list[Finding] = []
        self._brought = brought
        self._kept: tuple[str, Configuration] | None = None
        self.config = brought
        if kept is None or kept[0] != keyring.fingerprint():
            self._before.append(Finding("identity_differs", "store", None, "it was written with another secret"))
        if kept is not None:
            self._begin(*kept[1:])

    def _begin(self, digest: str, entries: Any, first: int) -> None:
        try:
            config = Configuration.load(entries)
        except (ValueError, TypeError):
            detail = "the store's list is no configuration any more, so the one that was brought is taken for it"
            self._before.append(_differs(detail))
            config = self._brought
        if config.digest() != digest:
            self._before.append(_differs("the store's list does not give the digest that is kept beside it"))
        elif not self._brought.begins_with(config):
            detail = "the store's configuration is not what this process brought begins with"
            self._before.append(Finding("identity_differs", "store", None, detail))
        self._kept = digest, config
        self.config = config.first(max(0, first))

    def take(self, event: Event, position: int) -> Iterator[Finding]:
        """A ConfigurationExtended: the list that is in force behind it, and what contradicts it."""
        if event["entries_before"] > len(self.config.entries):
            detail = (
                f"it adds to a list of {event['entries_before']} entries, and up to here the log makes"
                f" {len(self.config.entries)}: an event before it is missing"
            )
            yield Finding("configuration_missing", SUBJECT, position, detail)
            self.config = self._kept_first(event["entries_before"])
        try:
            self.config = grown(self.config, event)
            return
        except NotGrown as error:
            if self._is_altered(event):
                detail = "the store's list up to here is not the one that this event went on from"
                yield Finding("configuration_differs", SUBJECT, position, detail)
            else:
                yield Finding("configuration_digest_differs", SUBJECT, position, str(error))
        self.config = self._kept_first(event["entries_after"])

    def ended(self) -> Iterator[Finding]:
        """The log is read: does it lead to the store's list?"""
        yield from self._before
        if self._kept is None or self._before:
            return
        digest, config = self._kept
        if self.config.digest() == digest:
            return
        if config.begins_with(self.config):
            more = len(config.entries) - len(self.config.entries)
            detail = f"the store's last {more} entries were added by no event"
            yield Finding("configuration_missing", SUBJECT, None, detail)
        else:
            yield _differs("the store's list is not the one that the log leads to")

    def _is_altered(self, event: Event) -> bool:
        """Whether both digests of an event contradict the list before it: then it is the list that is wrong."""
        try:
            after = self.config.with_added(added(event)).digest()
        except (ValueError, TypeError, KeyError):
            return False
        before = self.config.digest()
        return bool(before != event["previous_configuration_digest"] and after != event["configuration_digest"])

    def _kept_first(self, count: int) -> Configuration:
        return self.config if self._kept is None else self._kept[1].first(max(0, count))


def _differs(detail: str) -> Finding:
    return Finding("configuration_differs", SUBJECT, None, detail)
