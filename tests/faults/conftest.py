"""The stage for faults, the choice of the quick ones, and the table at the end."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SERVERS
from tests.faults.fault_environment import SEED, THOROUGH, FaultEnvironment
from tests.faults.fault_report import ATTACK, FAULT, AttackResult, Line, draw, draw_attacks, write

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`make test` runs the quick ones; FAULTS=all runs every one."""
    slow = [
        item
        for item in items
        if not THOROUGH
        and HERE in item.path.parents
        and getattr(getattr(item, "function", None), "slow", False)
    ]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.fixture
async def set_stage(
    tmp_path: Path,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> AsyncIterator[Callable[..., Awaitable[FaultEnvironment]]]:
    """`await set_stage("sqlite")`; all ends with the test, and the logs are shown if it fails."""
    stages: list[FaultEnvironment] = []
    lines: list[Line] = []
    attacks: list[AttackResult] = []

    async def make(engine: str, **given: Any) -> FaultEnvironment:
        stage = FaultEnvironment(tmp_path, engine, lines, attacks)
        stages.append(stage)
        await stage.start(**given)
        request.node.stash.setdefault(SERVERS, []).extend(stage.servers)
        return stage

    yield make
    for stage in stages:
        await stage.close()
    # With the test's report it finds its way out of a lane, which is another process.
    for one in lines:
        record_property(FAULT, asdict(one))
    for attack in attacks:
        record_property(ATTACK, asdict(attack))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the table; FAULTS_TABLE names the document to write it into."""
    reports = [one for each in terminalreporter.stats.values() for one in each]
    told = [
        item
        for report in reports
        if getattr(report, "when", None) == "teardown"
        for item in report.user_properties
    ]
    lines = [Line(**one) for kind, one in told if kind == FAULT]
    attacks = [AttackResult(**one) for kind, one in told if kind == ATTACK]
    tables = {}
    if lines:
        tables["table"] = draw(lines)
    if attacks:
        tables["attacks"] = draw_attacks(attacks)
    if tables:
        terminalreporter.section(f"faults, seed {SEED}")
    document = os.environ.get("FAULTS_TABLE")
    for name, table in tables.items():
        terminalreporter.write_line(table)
        if document:
            write(Path(document), name, table)
