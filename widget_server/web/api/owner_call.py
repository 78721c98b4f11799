"""One request of the owner API: who calls, what they sent, and the answer.

The key comes in `Authorization: Bearer` and nowhere else: no cookie is read, so a page that a browser
opens cannot call the API with somebody's session.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from widget_server.auth import permissions
from widget_server.model.actors import Actor
from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    NotPermittedError,
    ProblemError,
    TokenInvalidError,
)
from widget_server.operations.owners import people
from widget_server.operations.services import Services
from widget_server.protocol.owner_operations import PATH_PATTERNS, OwnerOperation
from widget_server.transport import admission

_KEY = re.compile(r"wsk_[a-z0-9-]{1,40}_[0-9A-Za-z_-]{43}")
_NAME = re.compile(r"[A-Za-z_][0-9A-Za-z_.]{0,60}|[0-9]{1,4}")
KEY_NEEDED = "Send an API key of this site, in use, as `Authorization: Bearer KEY`."
"""One answer for no key, a wrong one, one that ended, and one that expired."""


class StatusError(Exception):
    """A rejection with a status of HTTP that no problem code has."""

    def __init__(self, status: int, code: str, detail: str, **more: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.more = status, code, detail, more


@dataclass(frozen=True, slots=True)
class Call:
    """An authorized request. `query` and `body` are the models of its operation."""

    services: Services
    actor: Actor
    site: str
    path: Mapping[str, str]
    query: Any
    body: Any
    raw: bytes
    """The body as sent."""
    if_match: str | None
    idempotency_key: str | None

    def has(self, verb: str) -> bool:
        """Return whether the key may use the verb here."""
        return permissions.allowed(self.actor, verb, self.site)

    def require(self, verb: str) -> None:
        """Raise `NotPermittedError` unless the key may use the verb, before something is changed or sent."""
        permissions.require(self.actor, verb, self.site)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. `once` replaces fields that are shown once in the answer to a repeated request.

    The answer to a repeated request is stored: neither secrets nor words of readers may be in it.
    """

    content: BaseModel
    headers: dict[str, str] = field(default_factory=dict)
    once: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> bytes:
        """Return the JSON for the first request."""
        return self.content.model_dump_json().encode()

    def body_for_repetition(self) -> str:
        """Return the JSON for the same request sent again."""
        return self.content.model_copy(update=dict(self.once)).model_dump_json()


async def read_call(request: Request, operation: OwnerOperation) -> Call:
    """Return the authorized call. Raises `ProblemError` and `StatusError`."""
    services: Services = request.app.state.services
    network = services.network_key(admission.client_address(request.scope))
    kind = "read" if operation.method == "GET" else "action"
    services.rate_limiters.hit_network(kind, network)
    actor = await _authenticate(request, services, network)
    site = request.path_params["site"]
    if actor.site != site:
        raise NotFoundError("There is no such site, or this key belongs to another one.")
    if operation.verbs and not any(
        permissions.allowed(actor, verb, site) for verb in operation.verbs
    ):
        raise NotPermittedError(f"This key has not the scope {' or '.join(operation.verbs)}.")
    path = {name: value for name, value in request.path_params.items() if name != "site"}
    for name, value in path.items():
        if not re.fullmatch(PATH_PATTERNS[name], value):
            raise NotFoundError("There is no such thing on this site.")
    query = None
    if operation.query is not None:
        query = _validated(operation.query, dict(request.query_params.items()))
    raw = b""
    if operation.body is not None:
        raw = await admission.read_body(request, operation.max_body)
    body = None if operation.body is None else _body(request, operation.body, raw)
    return Call(
        services,
        actor,
        site,
        path,
        query,
        body,
        raw,
        request.headers.get("if-match"),
        request.headers.get("idempotency-key"),
    )


async def _authenticate(request: Request, services: Services, network: str) -> Actor:
    """Return who the key stands for. Raises `TokenInvalidError`, `RateLimitedError`.

    Only wrong keys are counted: a program with a good key is never stopped by its neighbours.
    """
    sent = request.headers.getlist("authorization")
    scheme, _, key = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
    key = key.strip()
    if scheme.lower() == "bearer" and _KEY.fullmatch(key):
        try:
            return await people.actor_of_key(services, key)
        except TokenInvalidError:
            pass
    services.people.attempts.hit("key", network)
    raise TokenInvalidError(KEY_NEEDED)


def _body(request: Request, model: type[BaseModel], raw: bytes) -> BaseModel:
    if not raw:
        raw = b"{}"
    else:
        sent = request.headers.getlist("content-type")
        if len(sent) != 1 or sent[0].partition(";")[0].strip().lower() != "application/json":
            raise StatusError(415, "malformed", "Send the body as application/json.")
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise _malformed(error) from None


def _validated(model: type[BaseModel], values: dict[str, str]) -> BaseModel:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _malformed(error) from None


def _malformed(error: ValidationError) -> ProblemError:
    """Return a problem that names the first wrong field and says what it should be."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = ".".join(
        str(part)
        for part in first["loc"]
        if _NAME.fullmatch(str(part)) and not str(part).startswith("Constrained")
    )
    if first["type"] == "json_invalid":
        return MalformedError("Send one JSON object in UTF-8 as the body.")
    message = {"missing": "is required", "model_type": "is an object"}.get(
        first["type"], first["msg"][:1].lower() + first["msg"][1:]
    )
    problem = MalformedError(f"{name or 'The body'}: {message}.")
    problem.field = name or None
    return problem


def respond(operation: OwnerOperation, body: bytes, headers: Mapping[str, str]) -> Response:
    """Return a JSON response that no cache keeps."""
    kept = {"Cache-Control": "no-store", **headers}
    return Response(body, operation.status, kept, media_type="application/json")
