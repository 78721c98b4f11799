"""Fixtures of the fault tests, and the result tables."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SERVERS
from tests.faults.fault_environment import SEED, FaultEnvironment
from tests.faults.fault_report import (
    ATTACK,
    FAULT,
    AttackResult,
    FaultResult,
    attack_table,
    fault_table,
)
from tests.result_tables import write_table

HERE = Path(__file__).parent


@pytest.fixture
async def start_environment(
    tmp_path: Path,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> AsyncIterator[Callable[..., Awaitable[FaultEnvironment]]]:
    """Yield a function that starts an environment: `await start_environment("sqlite")`.

    All processes end with the test. If the test fails, pytest shows the logs of its servers.
    """
    environments: list[FaultEnvironment] = []
    lines: list[FaultResult] = []
    attacks: list[AttackResult] = []

    async def start(engine: str, **options: Any) -> FaultEnvironment:
        environment = FaultEnvironment(tmp_path, engine, lines, attacks)
        environments.append(environment)
        await environment.start(**options)
        request.node.stash.setdefault(SERVERS, []).extend(environment.servers)
        return environment

    yield start
    for environment in environments:
        await environment.close()
    # Properties of the test report reach the main process also from an xdist worker process.
    for line in lines:
        record_property(FAULT, asdict(line))
    for attack in attacks:
        record_property(ATTACK, asdict(attack))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the result tables. FAULTS_TABLE names the document to write them into."""
    reports = [one for each in terminalreporter.stats.values() for one in each]
    properties = [
        item
        for report in reports
        if getattr(report, "when", None) == "teardown"
        for item in report.user_properties
    ]
    lines = [FaultResult(**values) for kind, values in properties if kind == FAULT]
    attacks = [AttackResult(**values) for kind, values in properties if kind == ATTACK]
    tables = {}
    if lines:
        tables["table"] = fault_table(lines)
    if attacks:
        tables["attacks"] = attack_table(attacks)
    if tables:
        terminalreporter.section(f"faults, seed {SEED}")
    document = os.environ.get("FAULTS_TABLE")
    for name, table in tables.items():
        terminalreporter.write_line(table)
        if document:
            write_table(Path(document), name, table)
