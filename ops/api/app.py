"""The HTTP interface put together: who answers what, and one shape for everything that is refused.

No path changes anything, none needs a secret, and none does work that grows with the ledger: schemas are made at the
start, and what health and metrics tell was looked up before anybody asked.
"""

from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ops.api.subjects import LONGEST_LOOK_UP, Refused, Subjects
from ops.version import told_version

MEDIA_TYPE: Final = "application/vnd.schemaregistry.v1+json"
WRITES: Final = ["POST", "PUT", "PATCH", "DELETE"]
READ_ONLY: Final = 42205
PATHS: Final = {
    "/health/ready": "whether the database and the brokers answer, and why not",
    "/health/live": "whether this process turns",
    "/metrics": "figures for Prometheus",
    "/subjects": "every event's schema, as a Confluent schema registry that can be read",
    "/openapi.json": "all paths",
}
TOO_LONG: Final = 413


class RegistryAnswer(JSONResponse):
    """JSON under the media type that registry clients expect."""

    media_type = MEDIA_TYPE


def make_app(subjects: Subjects) -> FastAPI:
    """The application; it has no pages of its own, since those would load scripts from elsewhere."""
    app = FastAPI(
        title="onecard-ledger",
        summary="Schema registry (read only), health and metrics of one ledger.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        default_response_class=RegistryAnswer,
    )
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _unknown)
    _entrance(app)
    _registry_reads(app, subjects)
    _registry_writes(app)
    return app


def _entrance(app: FastAPI) -> None:
    """Who opens the address in a browser is told where to look; clients of registries expect no more than a 200."""

    @app.get("/", include_in_schema=False)
    async def entrance() -> dict[str, Any]:
        return {"program": told_version(), "paths": PATHS}


def _registry_reads(app: FastAPI, subjects: Subjects) -> None:
    @app.get("/schemas/types")
    async def types() -> list[str]:
        return ["AVRO"]

    @app.get("/schemas/ids/{schema_id}")
    async def schema(schema_id: str, fetchMaxId: str = "false") -> dict[str, Any]:
        return subjects.schema(schema_id, fetchMaxId.lower() == "true")

    @app.get("/schemas/ids/{schema_id}/schema")
    async def schema_alone(schema_id: str) -> Response:
        return Response(subjects.schema_text(schema_id), media_type=MEDIA_TYPE)

    @app.get("/schemas/ids/{schema_id}/versions")
    async def places(schema_id: str) -> list[dict[str, Any]]:
        return subjects.places(schema_id)

    @app.get("/schemas/ids/{schema_id}/subjects")
    async def subjects_of(schema_id: str) -> list[str]:
        return subjects.subjects_of(schema_id)

    @app.get("/subjects")
    async def all_subjects(subjectPrefix: str = "") -> list[str]:
        return subjects.subjects("" if subjectPrefix == ":*:" else subjectPrefix)

    @app.get("/subjects/{subject}/versions")
    async def versions(subject: str) -> list[int]:
        return subjects.versions(subject)

    @app.get("/subjects/{subject}/versions/{number}")
    async def version(subject: str, number: str) -> dict[str, Any]:
        return subjects.version(subject, number)

    @app.get("/subjects/{subject}/versions/{number}/schema")
    async def version_alone(subject: str, number: str) -> Response:
        return Response(subjects.version_text(subject, number), media_type=MEDIA_TYPE)

    @app.post("/subjects/{subject}")
    async def look_up(subject: str, request: Request) -> dict[str, Any]:
        return await run_in_threadpool(subjects.look_up, subject, await _body(request))

    @app.get("/config")
    async def config() -> dict[str, str]:
        return {"compatibilityLevel": "FULL_TRANSITIVE"}

    @app.get("/config/{subject}")
    async def config_of(subject: str) -> dict[str, str]:
        return subjects.compatibility(subject)

    @app.get("/mode")
    async def mode() -> dict[str, str]:
        return {"mode": "READONLY"}

    @app.get("/mode/{subject}")
    async def mode_of(subject: str) -> dict[str, str]:
        return subjects.mode(subject)


def _registry_writes(app: FastAPI) -> None:
    """Whatever would change the registry is refused in its own words: schemas are changed in git."""

    async def refuse(request: Request) -> None:
        raise Refused(422, READ_ONLY, "The registry is in read-only mode: schemas are registered by a commit.")

    for path in (
        "/subjects/{subject}/versions",
        "/subjects/{subject}/versions/{number}",
        "/subjects/{subject}",
        "/config",
        "/config/{subject}",
        "/mode",
        "/mode/{subject}",
    ):
        app.add_api_route(path, refuse, methods=WRITES, include_in_schema=False)


async def _body(request: Request) -> bytes:
    """The request's body, refused as soon as it is longer than any schema of ours."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_LOOK_UP:
            raise Refused(TOO_LONG, TOO_LONG, f"The body is longer than {LONGEST_LOOK_UP} bytes.")
    return bytes(body)


async def _refused(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)
    return RegistryAnswer({"error_code": refused.code, "message": str(refused)}, refused.status)


async def _unknown(request: Request, unknown: Exception) -> Response:
    """Registry clients probe paths that only other registries have; they go on only if the answer is a plain 404."""
    assert isinstance(unknown, HTTPException)
    status = 404 if unknown.status_code == 405 else unknown.status_code
    return RegistryAnswer({"error_code": status, "message": f"HTTP {status} Not Found"}, status)
