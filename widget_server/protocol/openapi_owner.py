"""The owner API's part of the OpenAPI document, from the list of its operations."""

from typing import Any

from pydantic import BaseModel

from widget_server.model.identifiers import IDEMPOTENCY_KEY, SITE_SLUG
from widget_server.protocol.codes import STATUS
from widget_server.protocol.owner_answers import OwnerProblem
from widget_server.protocol.owner_operations import (
    OWNER_OPERATIONS,
    OWNER_PREFIX,
    PATH_PATTERNS,
    OwnerOperation,
)

SECURITY_SCHEME = {
    "ownerKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key of the site, made under People and keys or with"
        " `widget-server key create`. Its scopes are the verbs of docs/users/roles.md.",
    }
}
COMMON_CODES = ("malformed", "token_invalid", "not_permitted", "not_found", "rate_limited", "unavailable")  # fmt: skip
"""Error codes of every operation."""


def owner_models() -> list[tuple[type[BaseModel], str]]:
    """Return the models of bodies and answers, each with its mode of pydantic."""
    found: dict[tuple[type[BaseModel], str], None] = {(OwnerProblem, "serialization"): None}
    for operation in OWNER_OPERATIONS:
        if operation.body is not None:
            found[operation.body, "validation"] = None
        found[operation.answer, "serialization"] = None
    return list(found)


def owner_paths(refs: dict[Any, dict[str, str]]) -> dict[str, dict[str, Any]]:
    """Return the document's `paths` of the owner API. `refs` are the references of `owner_models`."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OWNER_OPERATIONS:
        item = paths.setdefault(OWNER_PREFIX + operation.path, {})
        item[operation.method.lower()] = _operation(operation, refs)
    return paths


def _operation(operation: OwnerOperation, refs: dict[Any, dict[str, str]]) -> dict[str, Any]:
    scopes = " or ".join(f"`{verb}`" for verb in operation.verbs) or "the verb in the body"
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"Scope: {scopes}.",
        "tags": ["owner"],
        "security": [{"ownerKey": []}],
        "parameters": [*_path_parameters(operation), *_query(operation), *_headers(operation)],
        "responses": _responses(operation, refs),
    }
    if operation.body is not None:
        needed = any(field.is_required() for field in operation.body.model_fields.values())
        described["requestBody"] = {
            "required": needed,
            "content": {"application/json": {"schema": refs[operation.body]}},
        }
    return described


def _path_parameters(operation: OwnerOperation) -> list[dict[str, Any]]:
    patterns = {"site": SITE_SLUG.pattern} | PATH_PATTERNS
    path = OWNER_PREFIX + operation.path
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": f"^(?:{pattern})$"},
        }
        for name, pattern in patterns.items()
        if f"{{{name}}}" in path
    ]


def _query(operation: OwnerOperation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    schema = operation.query.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": field.get("description", name.replace("_", " ")),
            "schema": _without_null(field),
        }
        for name, field in schema["properties"].items()
    ]


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter's schema: a query leaves a field out where JSON has null."""
    kept = {k: v for k, v in field.items() if k not in {"title", "description"}}
    choices = [one for one in kept.pop("anyOf", []) if one != {"type": "null"}]
    if kept.get("default", "") is None:
        del kept["default"]
    return kept | (choices[0] if choices else {})


def _headers(operation: OwnerOperation) -> list[dict[str, Any]]:
    found = []
    if operation.method == "POST":
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "A new random text for each action, such as a UUID. For 24 hours the same"
                " request with the same key gets the first answer, without what is shown once.",
                "schema": {"type": "string", "pattern": f"^{IDEMPOTENCY_KEY.pattern}$"},
            }
        )
    if operation.conditional:
        found.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": False,
                "description": "The ETag of the settings that are changed, or `*`. Required with"
                " `settings`, except with `dry_run`.",
                "schema": {"type": "string", "pattern": '^(?:\\*|"[0-9a-f]{1,64}")$'},
            }
        )
    return found


def _responses(operation: OwnerOperation, refs: dict[Any, dict[str, str]]) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": refs[operation.answer]}}
    for media in operation.streams:
        content[media] = {"schema": {"type": "string"}}
    found: dict[str, Any] = {str(operation.status): {"description": "OK", "content": content}}
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys((*COMMON_CODES, *operation.codes)):
        by_status.setdefault(STATUS[code], []).append(code)
    if operation.body is not None:
        by_status.setdefault(413, ["too_large"])
        by_status[415] = ["malformed"]
    if operation.method == "POST":
        by_status.setdefault(409, []).append("stale (Idempotency-Key)")
    if operation.conditional:
        by_status |= {412: ["stale"], 428: ["malformed"]}
    for status, codes in sorted(by_status.items()):
        found[str(status)] = {
            "description": f"A problem (RFC 9457): {', '.join(dict.fromkeys(codes))}",
            "content": {"application/problem+json": {"schema": refs[OwnerProblem]}},
        }
    if "401" in found:
        found["401"]["headers"] = {
            "WWW-Authenticate": {"schema": {"type": "string"}, "description": "Bearer (RFC 6750)"}
        }
    return found
