"""The documents list everything that the code has: codes, messages, routes, settings, limits.

Each test compares one table of a document with the code, in both directions.
"""

import ast
import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from starlette.routing import Route
from typer.main import get_command

from tests import api_guide
from widget_server.app import Components
from widget_server.cli import main as cli
from widget_server.config import DEFAULT_RATE_LIMITS, Config
from widget_server.content import markdown, text
from widget_server.model import limits as shared_limits, setting_values as rules
from widget_server.model.settings import SiteSettings
from widget_server.protocol import client_messages, codes, schemas
from widget_server.protocol.owner_operations import OWNER_OPERATIONS, OWNER_PREFIX
from widget_server.store.queries import changes, comment_pages, discussions, own_items
from widget_server.transport.http_protocol import REASONS
from widget_server.transport.settings import HttpLimits, WebSocketLimits
from widget_server.web import health, live
from widget_server.web.routes import create_asgi_app

ROOT = Path(__file__).parents[1]
PROTOCOL = (ROOT / "docs/developers/protocol.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
SETTINGS = (ROOT / "docs/operators/settings.md").read_text("utf-8")
COMMANDS = (ROOT / "docs/operators/commands.md").read_text("utf-8")
OPERATING = (ROOT / "docs/operators/operating.md").read_text("utf-8")
EMBED = (ROOT / "docs/users/embed.md").read_text("utf-8")
SOURCE = {
    path.relative_to(ROOT / "js/src").as_posix(): path.read_text("utf-8")
    for path in (ROOT / "js/src").rglob("*.*s")
}
"""Source files of the embed by name, without those that only the iframe page uses."""
del SOURCE["iframe/iframe.js"]


def table(document: str, heading: str) -> dict[str, list[str]]:
    """Return the rows of the table whose head begins with `heading`.

    Keys are the code spans of a row's first cell; values are the other cells.
    """
    lines = document.split(f"| {heading} |", 1)[1].splitlines()[2:]
    found = {}
    for line in lines:
        if not line.startswith("|"):
            break
        first, *others = [cell.strip() for cell in line.strip("|").split(" | ")]
        for name in re.findall(r"`([^`]+)`", first) or [first]:
            found[name] = others
    return found


def test_every_error_code_has_its_status() -> None:
    listed = {code: int(cells[0]) for code, cells in table(PROTOCOL, "`code`").items()}
    assert listed == codes.STATUS


def test_every_close_code_is_explained() -> None:
    listed = {int(code) for code in table(PROTOCOL, "code")}
    defined = {
        value for name, value in vars(codes).items() if name.isupper() and isinstance(value, int)
    }
    assert defined <= listed


def test_every_message_is_listed_with_its_fields() -> None:
    sent, received = PROTOCOL.split("### Messages from the server")
    for model in (*get_args(client_messages.Message), *schemas.SERVER_MESSAGES):
        document = sent if model in get_args(client_messages.Message) else received
        fields = model.model_fields
        (kind,) = get_args(fields["type"].annotation)
        row = table(document, "`type`")[kind]
        named = set(re.findall(r"`(\w+)`", " ".join(row))) | {"type", "ref"}
        if kind == "story":
            continue  # the document refers to the table of the story's fields
        # The document lists these fields once for all actions.
        over_http = {"token", "reader", "first", "page"} if kind != "subscribe" else set()
        wanted = {field.alias or name for name, field in fields.items()}
        if document is received:
            over_http = set()
        assert wanted - over_http <= named, kind


def test_every_route_is_listed() -> None:
    nothing: Any = None
    app = create_asgi_app(nothing, nothing, 0)
    paths = {route.path for route in app.routes if isinstance(route, Route)} | {"/v1/live"}
    public = {path for path in paths if not path.startswith(OWNER_PREFIX)}
    listed = set(re.findall(r"(?:GET|POST) (/[^`?\s]*)`", PROTOCOL.split("## HTTP")[1]))
    assert listed == public
    owner = {f"{one.method} {OWNER_PREFIX}{one.path}" for one in OWNER_OPERATIONS}
    served = {
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, Route) and route.path.startswith(OWNER_PREFIX)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert owner == served
    assert api_guide.table() in api_guide.GUIDE.read_text("utf-8")


def test_every_tag_of_a_text_is_listed() -> None:
    tags = {*markdown._TAGS.values(), *markdown._BLOCKS, "code", "br"}
    assert tags == set(re.findall(r"`([a-z]+)`", PROTOCOL.split("Tags\nare")[1].split("; only")[0]))


@pytest.mark.parametrize(
    ("what", "limits"),
    [
        ("a message", [client_messages.MAX_BYTES // 1024]),
        ("a comment", [shared_limits.MAX_COMMENT_LENGTH, text.MAX_BODY_BYTES, markdown.MAX_LINES]),
        ("a comment", [markdown.MAX_LINKS, markdown.MAX_DEPTH, markdown.MAX_NODES]),
        (
            "name · email · website · reason",
            [text.MAX_NAME, text.MAX_EMAIL, text.MAX_WEBSITE, text.MAX_REASON],
        ),
        ("stories of a socket", [live.MAX_STORIES]),
        (
            "threads of a page · replies in a thread of a page",
            [discussions.PAGE_SIZE, comment_pages.MAX_REPLIES],
        ),
        ("changes that are sent one by one", [changes.MAX_CHANGES]),
        ("own comments in `mine`", [own_items.MAX_OWN]),
    ],
)
def test_limits_in_the_protocol_are_those_of_the_code(what: str, limits: list[int]) -> None:
    line = next(one for one in PROTOCOL.splitlines() if one.startswith(f"| {what} |"))
    numbers = {int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", line)}
    assert set(limits) <= numbers


def _named_limits() -> set[str]:
    """Return the names of all limits in the code.

    A limit is a module constant named `MAX…`, or a number in a protocol class.
    """
    found = set()
    for path in (ROOT / "widget_server").rglob("*.py"):
        module = ".".join(path.relative_to(ROOT / "widget_server").with_suffix("").parts)
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if re.match("_?MAX(_|$)", name):
                    found.add(f"{module}.{name}")
    for protocol in (HttpLimits, WebSocketLimits):
        for name, value in vars(protocol).items():
            if isinstance(value, int | float):
                found.add(
                    f"{protocol.__module__.removeprefix('widget_server.')}."
                    f"{protocol.__name__}.{name}"
                )
    return found | {f"config.DEFAULT_RATE_LIMITS[{kind}]" for kind in DEFAULT_RATE_LIMITS}


def _value(name: str) -> str:
    """Return the value of a named limit, formatted as in the table."""
    path, _, kind = name.rstrip("]").partition("[")
    parts = path.split(".")
    depth = 2 if parts[-2][:1].isupper() else 1
    value: Any = importlib.import_module(".".join(["widget_server", *parts[:-depth]]))
    for part in parts[-depth:]:
        value = getattr(value, part)
    if kind:
        return str(value[kind])
    return f"{value // 1024} KiB" if value % 1024 == 0 and value != 4096 else f"{value:,.0f}"


def test_every_limit_is_listed_with_its_value_and_with_its_setting_or_why_it_has_none() -> None:
    listed = []
    section = OPERATING.split("## Limits\n")[1].split("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("| ") or len(cells) != 5 or cells[0] == "Limit":
            continue
        what, value, why, _, code = cells
        if what.startswith("**"):
            continue
        names = re.findall(r"`([^`]+)`", code)
        assert value.split(" · ") == [_value(name) for name in names], what
        settings = {name.upper() for name in Config.model_fields}
        assert why in {"promised", "ample", "memory"} or why.strip("`") in settings, what
        listed += names
    assert len(listed) == len(set(listed))
    assert _named_limits() <= set(listed)


def test_the_settings_table_has_every_setting_with_its_default() -> None:
    listed = table(SETTINGS, "Setting")
    fields = {name.upper(): field for name, field in Config.model_fields.items()}
    assert set(listed) == set(fields) - {"WIDGET_WORKER"}
    for name in ("HOST", "PORT", "WEB_CONCURRENCY", "TRUSTED_PROXIES", "LOG_LEVEL", "DATA_DIR"):
        assert listed[name][0] == f"`{fields[name].default}`"
    for name in ("DRAIN_SECONDS", "RECONCILE_SECONDS"):
        assert float(listed[name][0].strip("`")) == fields[name].default
    for kind, rate in DEFAULT_RATE_LIMITS.items():
        assert f"{kind}={rate}" in " ".join(listed["RATE_LIMITS"])


def test_the_rules_table_has_every_rule_with_its_default() -> None:
    listed = table(SETTINGS, "Site setting")
    assert set(listed) == set(rules.PARSERS)
    defaults = SiteSettings()
    for name, cells in listed.items():
        if name in {"prompt", "moderation", "open_republishing", "reaction_style"}:
            assert cells[0] == getattr(defaults, name)
        elif name == "reactions":
            assert cells[0] == ",".join(defaults.reaction_keys())
        elif name == "edit_window":
            assert cells[0] == str(defaults.edit_window)
        elif name in {"name", "website", "email", "rate_limit_react", "rate_limit_comment"}:
            assert getattr(defaults, name) in cells[0]


def test_every_command_is_listed_and_the_readme_links_every_document() -> None:
    program: Any = get_command(cli.app)
    commands = {name: program.get_command(None, name) for name in program.list_commands(None)}
    expected = {
        name: {*getattr(command, "commands", ())}
        for name, command in commands.items()
        if not command.hidden
    }
    listed: dict[str, set[str]] = {}
    for line in COMMANDS.split("| Command | |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]:
        codes = [code.split() for code in re.findall(r"`([^`]+)`", line.split(" | ")[0])]
        name = " ".join(codes[0][:2])
        if name not in expected:
            name = codes[0][0]
        if expected.get(name):
            listed[name] = {codes[0][1], *(code[0] for code in codes[1:])}
        else:
            names = [name] if " " in name else [code[0] for code in codes]
            listed |= {one: set() for one in names}
    assert listed == expected
    for document in (ROOT / "docs").glob("*/*.md"):
        assert f"({document.relative_to(ROOT).as_posix()})" in README


def in_source(pattern: str) -> set[str]:
    """Return all matches of the pattern in the source of the embed."""
    return {name for text in SOURCE.values() for name in re.findall(pattern, text)}


def test_every_attribute_event_method_slot_property_and_part_of_the_embed_is_listed() -> None:
    listed: dict[str, set[str]] = {}
    for name, (kind, *_) in table(EMBED, "name").items():
        listed.setdefault(kind, set()).add(name)
    attributes = in_source(r'(?:this|host)\.getAttribute\("([a-z]+)"\)')
    attributes |= in_source(r"host\.(dir)\b") | in_source(r'closest\("\[(lang)\]"\)')
    assert listed["attribute"] == attributes
    (observed,) = in_source(r"observedAttributes = (\[.*\])")
    followed = {name for name, (_, what) in table(EMBED, "name").items() if "Followed" in what}
    assert followed == set(json.loads(observed))

    # Two files read the data attributes of a snippet's link or script.
    reads = {name: text.count("dataset") for name, text in SOURCE.items() if "dataset" in text}
    assert reads == {"index.js": 1, "parts/links/index.js": 2}
    taken = ", ".join(in_source(r"const \{ (.*) \} = origin\.dataset"))
    camel = {name.split(":")[0] for name in taken.split(", ")}
    data = {"data-" + re.sub("[A-Z]", lambda big: f"-{big[0].lower()}", name) for name in camel}
    assert listed["on the snippet's link"] | listed["on the script"] == data

    assert in_source(r"CustomEvent\(.*") == {'CustomEvent("story-widget:" + type, {'}
    events = {f"story-widget:{name}" for name in in_source(r'\bemit\("([a-z]+)"')}
    assert listed["event"] == events
    methods = re.findall(r"^  ([a-z]\w+)\(.*\) \{$", SOURCE["element.js"], re.MULTILINE)
    callbacks = {name for name in methods if name.endswith("Callback")} | {"constructor"}
    assert listed["method"] == {f"{name}()" for name in set(methods) - callbacks}
    assert listed["slot"] == in_source(r'h\("slot", \{ name: "([a-z]+)"')

    assert listed["property"] == in_source(r"--story-widget-[a-z-]+")
    assert listed["part"] == in_source(r'\bpart: "([a-z-]+)"')
    assert len(listed) == 8
    themes = (ROOT / "docs/users/themes.md").read_text("utf-8")
    assert set(re.findall(r"--story-widget-[a-z-]+", themes)) <= listed["property"]


async def test_the_metrics_table_lists_what_the_server_exports(tmp_path: Path) -> None:
    components = Components(Config(data_dir=tmp_path))
    nothing: Any = None
    transport = httpx.ASGITransport(
        create_asgi_app(
            nothing, components.health(), 0, transport_metrics=components.transport_metrics
        )
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        assert (await http.get("/nothing")).status_code == 404
        components.transport_metrics.websocket.server_closes.add(1012, "")
        answer = (await http.get("/metrics")).text
    await components.database.close()
    answered = dict(re.findall(r"^# HELP (\w+) (.+)$", answer, re.MULTILINE))
    assert {name: cells[0] for name, cells in table(OPERATING, "Metric").items()} == answered
    units = re.compile(r"_(total|seconds|bytes|size|fds|up|writable|length)$")
    assert [name for name in answered if not units.search(name)] == [
        "widget_channels",
        "widget_subscriptions",
    ]
    labels = set(re.findall(r"[{,](\w+)=", answer))
    assert labels == {"le", "status", "code", "reason"}, "no label identifies a site or a reader"
    # The page explains those rejection reasons that are not error codes.
    for reason in (*REASONS, "handshakes", "leaving", "protocol"):
        assert f"`{reason}`" in OPERATING, reason


def test_every_event_of_the_log_is_explained() -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "widget_server").rglob("*.py"))
    assert set(table(OPERATING, "`event`")) == set(re.findall(r"event=(\w+)", code))


def test_every_part_that_may_be_degraded_is_explained() -> None:
    source = inspect.getsource(health.readyz)
    assert set(table(OPERATING, "`degraded`")) == {*re.findall(r'"(\w+)": now\.', source)}


def test_every_point_of_the_checklist_names_tests_that_exist() -> None:
    points = table((ROOT / "docs/developers/checklist.md").read_text("utf-8"), "point")
    assert list(points) == [str(number) for number in range(1, 41)]
    sources = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py")]
    tests = set(re.findall(r"def (test_\w+)\(", "\n".join(sources)))
    for number, (_, shown) in points.items():
        named = set(re.findall(r"`(test_\w+)`", shown))
        assert named <= tests, (number, named - tests)
        assert named or "not shown" in shown
    numbered = {name for name in tests if re.match(r"test_\d+_[a-z]", name)}
    browser = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests/browser").glob("*.py"))
    for name in numbered:
        if f"def {name}(" in browser:
            assert f"`{name}`" in points[name.split("_")[1]][1], name


def test_every_linked_document_exists() -> None:
    for document in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "tests/README.md"):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text("utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), (document.name, target)


def _defined_names(path: Path) -> set[str]:
    """Return the names that a file defines: functions, classes, their members, and constants."""
    source = path.read_text("utf-8")
    if path.suffix != ".py":
        declared = r"(?:function|const|let|class) (\w+)"
        return {*re.findall(declared, source), *re.findall(r"^\s*(?:async )?(\w+)\(", source, re.M)}
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            if isinstance(node, ast.ClassDef):
                members = (item for item in node.body if hasattr(item, "name"))
                names |= {f"{node.name}.{item.name}" for item in members}
    return names


@pytest.mark.parametrize("page", ["tour", "adding-an-action"])
def test_every_place_that_a_guide_names_exists(page: str) -> None:
    guide = (ROOT / f"docs/developers/{page}.md").read_text("utf-8")
    places = re.findall(r"`((?:widget_server|js|tests|docs)/[^`:\s]+)(?:: ([\w.]+))?`", guide)
    assert len(places) > 10
    for file, name in places:
        path = ROOT / file
        assert path.exists(), f"{file} does not exist"
        assert not name or name in _defined_names(path), f"{file} has no {name}"


def test_the_architecture_page_lists_every_file_once() -> None:
    page = (ROOT / "docs/developers/architecture.md").read_text("utf-8")
    listed = re.findall(r"^((?:widget_server|js/src)/\S+)  ?\S*", page, re.MULTILINE)
    files = [
        path.relative_to(ROOT).as_posix()
        for pattern in ("widget_server/**/*.py", "js/src/**/*.js")
        for path in ROOT.glob(pattern)
        if path.name != "__init__.py" and not {"migrations", "static"} & set(path.parts)
    ]
    assert sorted(listed) == sorted(files)


def test_every_heading_that_is_linked_exists() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "tests/README.md"]
    headings = {}
    for page in pages:
        titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
        headings[page] = {
            re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles
        }
    for page in pages:
        for target, heading in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", page.read_text("utf-8")):
            linked = (page.parent / target).resolve() if target else page
            if linked in headings:
                assert heading in headings[linked], (page.name, target, heading)
