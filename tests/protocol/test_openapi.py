"""The generated reference is valid, complete and agrees with the server."""

import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route

from widget_server.protocol.client_messages import MESSAGES
from widget_server.protocol.openapi import asyncapi_document, openapi_document
from widget_server.protocol.schemas import SERVER_MESSAGES
from widget_server.web.routes import create_asgi_app


def refs(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for value in node.values() for ref in refs(value)]
    return [ref for value in node for ref in refs(value)] if isinstance(node, list) else []


def resolve(document: dict[str, Any], ref: str) -> Any:
    found: Any = document
    for part in ref.removeprefix("#/").split("/"):
        found = found[part]
    return found


@pytest.mark.parametrize("document", [openapi_document(), asyncapi_document()])
def test_every_reference_can_be_resolved(document: dict[str, Any]) -> None:
    assert refs(document)
    for ref in refs(document):
        assert resolve(document, ref)


def test_the_http_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(openapi_document()).validate()


def test_the_http_document_lists_every_path_and_method() -> None:
    nothing: Any = None
    app = create_asgi_app(nothing, nothing, 0)
    served = {
        (route.path, method.lower())
        for route in app.routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }
    documented = {
        (path, method) for path, item in openapi_document()["paths"].items() for method in item
    }
    assert documented == served


def test_every_parameter_of_a_path_is_described() -> None:
    for path, item in openapi_document()["paths"].items():
        for operation in item.values():
            described = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
            assert described == set(re.findall(r"{(\w+)}", path))


def parameter(path: str, name: str) -> dict[str, Any]:
    listed = openapi_document()["paths"][path]["get"]["parameters"]
    return next(entry for entry in listed if entry["name"] == name)


def test_required_and_optional_query_parameters_are_described() -> None:
    assert parameter("/v1/counts", "story")["required"]
    since = parameter("/v1/stories/{code}", "since")
    assert not since["required"]
    assert re.search(since["schema"]["pattern"], "9f2c:41")
    for path in ("/v1/stories/{code}/comments", "/s/{code}"):
        pattern = parameter(path, "before")["schema"]["pattern"]
        assert re.search(pattern, "WyJuZXdlc3QiLDQxXQ")
        assert not re.search(pattern, "a b")


def test_the_asyncapi_document_has_the_required_parts() -> None:
    document = asyncapi_document()
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(document["info"])
    assert document["channels"]["live"]["address"] == "/v1/live"
    assert {operation["action"] for operation in document["operations"].values()} == {
        "send",
        "receive",
    }
    for message in document["components"]["messages"].values():
        assert message["summary"]


def test_the_asyncapi_document_lists_every_client_and_server_message() -> None:
    document = asyncapi_document()

    def types(action: str) -> set[str]:
        found = set()
        for message in document["operations"][action]["messages"]:
            payload = resolve(document, resolve(document, message["$ref"])["$ref"])["payload"]
            kind = resolve(document, payload["$ref"])["properties"]["type"]
            found.add(kind["const"])
        return found

    received = set(MESSAGES.json_schema()["discriminator"]["mapping"])
    assert types("receive") == received
    sent = {model.model_json_schema()["properties"]["type"]["const"] for model in SERVER_MESSAGES}
    assert types("send") == sent
