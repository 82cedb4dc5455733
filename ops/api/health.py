"""Is it alive, and is it ready: for whoever restarts processes and whoever sends it requests.

Alive says that this process turns; only then does a restart help. Ready says that what it needs answers: the schemas
are loaded, the database answers, and the brokers where there are any. Open incidents do not make it unready: they stop
a view of one source, which no restart and no other server mends, and the registry must go on. They are counted here
and raised as an alert (ops/alerts.yaml).
"""

from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from ledger.core.calendar import instant_text
from ops.api.look import Look
from ops.api.subjects import Subjects
from ops.api.watch import Seen, Watch

UNAVAILABLE = 503


def add_health(app: FastAPI, subjects: Subjects, watch: Watch | None, parts: tuple[str, ...]) -> None:
    """`/health/live` and `/health/ready`; `parts` are those that a look asks (none: the schemas are all there is)."""

    # Balancers ask by HEAD, without wanting to read; one entry of each path is enough for those who read what there is.
    @app.head("/health/live", include_in_schema=False)
    @app.get("/health/live", response_class=JSONResponse)
    async def live() -> JSONResponse:
        turning = watch is None or watch.seen().is_turning
        return _answer({"status": "live" if turning else "hung"}, turning)

    @app.head("/health/ready", include_in_schema=False)
    @app.get("/health/ready", response_class=JSONResponse)
    async def ready() -> JSONResponse:
        return _answer(*readiness(subjects, watch.seen() if watch else None, parts))


def readiness(subjects: Subjects, seen: Seen | None, parts: tuple[str, ...]) -> tuple[dict[str, Any], bool]:
    """The document of `/health/ready`, and whether everything answers."""
    checks: dict[str, Any] = {"registry": {"ok": True, "schemas": subjects.count}}
    for part in parts:
        checks[part] = _check(part, seen)
    is_ready = all(check["ok"] for check in checks.values())
    look = seen.look if seen else None
    document = {
        "status": "ready" if is_ready else "not ready",
        "checks": checks,
        "open_incidents": len(look.open_incidents) if look else None,
        "source_problems": _source_problems(look),
        "looked_at": instant_text(look.at) if look else None,
    }
    return document, is_ready


def _source_problems(look: Look | None) -> dict[str, str] | None:
    """Sources whose topics do not tell, and why. They make nothing unready: other sources are told of as ever."""
    if look is None or look.account is None:
        return None
    return {source: problem.code.replace("_", " ") for source, problem in look.account.problems.items()}


def _check(part: str, seen: Seen | None) -> dict[str, Any]:
    if seen is None or seen.look is None:
        return {"ok": False, "reason": "not looked at yet"}
    if not seen.is_turning:
        return {"ok": False, "reason": f"not looked at for {seen.turned_seconds_ago} seconds"}
    reason = seen.look.problems.get(part)
    return {"ok": True} if reason is None else {"ok": False, "reason": reason}


def _answer(document: dict[str, Any], ok: bool) -> JSONResponse:
    return JSONResponse(document, 200 if ok else UNAVAILABLE, {"cache-control": "no-store"})
