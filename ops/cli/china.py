"""Instants as people in China read them: documents and files tell UTC, a clearing officer's day begins at 16:00 of it.

The offset stands with the time, so that nobody has to know, and so that it can be typed where an instant is asked for.
"""

import re
from datetime import datetime, timedelta, timezone
from typing import Final

from ledger.core.calendar import CST_OFFSET

WRITTEN: Final = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z(?![0-9A-Za-z])")
CHINA: Final = timezone(timedelta(microseconds=CST_OFFSET))


def in_china(text: str) -> str:
    """The text with every instant as the product writes them told in China Standard Time, without an empty fraction."""
    return WRITTEN.sub(_told, text) if "Z" in text else text


def _told(found: re.Match[str]) -> str:
    try:
        return datetime.fromisoformat(found[0]).astimezone(CHINA).isoformat()
    except (ValueError, OverflowError):  # no instant, whatever it looks like
        return found[0]
