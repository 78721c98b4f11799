"""Hostile clients under the standard load: ended as stated, cheap, and not felt by anyone else.

And strangers who say things on the bus, or use up what a story remembers.
"""

import asyncio
import json
import re
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.e2e.client import Client
from tests.e2e.harness import ServerProcess
from tests.faults.attacker import Attacker
from tests.faults.fault_environment import THOROUGH, FaultEnvironment, now
from tests.faults.fault_report import AttackResult
from tests.faults.hostile import (
    ATTACKS,
    KEPT,
    ORIGIN,
    QUICK,
    Attack,
    Ends,
    Forger,
    Target,
    names_many_origins,
)
from tests.faults.ledger import Posted
from tests.faults.load import FaultLoad
from tests.faults.slow_marker import slow
from tests.faults.stopwatch import Stopwatch, quantile
from tests.loopback import http_client
from tests.waiting import SLOWNESS, eventually
from widget_server.config import DEFAULT_RATE_LIMITS

SetStage = Callable[..., Awaitable[FaultEnvironment]]

#: All paces are lifted for the load's sake but those of handshakes, which are the default: of a network,
#: and 250 a second of all together; of these 750 may come at once instead of 5,000, so that a flood
#: soon meets the pace that it then has to keep.
LIFTED = "handshake_total=750/3," + ",".join(
    f"{kind}=1000000/1" for kind in ("action", "new_reader", "comment", "report")
)
RULES = ("rate_limit_react=100000/1", "rate_limit_comment=100000/1")

MOST_BYTES = 1024 * 1024
"""What one attacker may cost."""
MOST_SLOWER = 1.2
"""Other readers' latency under an attack, by that in the quiet windows between."""
MEASURED_S, MOST_MEASURED_S = 12.0, 24.0
"""So long other readers are measured under an attack, in windows that the attack chooses.

A ratio beyond the limit is measured for longer: noise passes, a cost does not."""
CALM_S = 0.3
"""After an attack, until its connections are gone."""


async def besieged(set_stage: SetStage) -> tuple[FaultEnvironment, Target]:
    """A stage with paces, and its first server as the target."""
    stage = await set_stage("sqlite", RATE_LIMITS=LIFTED)
    stage.publisher = await asyncio.to_thread(stage.pair.site, *RULES)
    stories = [stage.publisher.story().token for _ in range(200)]
    return stage, Target(stage.pair.one.port, "", stories)


async def long_story(stage: FaultEnvironment, load: FaultLoad) -> tuple[str, str]:
    """A story of 10 threads with 19 replies each, all as long as they may be: 4 MB. Its token, code."""
    story = stage.publisher.story()
    async with http_client() as http:

        async def post(parent: str | None = None) -> str:
            action = {
                "type": "comment",
                "story": story.code,
                "token": story.token,
                "parent": parent,
            }
            own = {"key": str(uuid.uuid4()), "body": "\U0001f409" * 5_000}
            answer = await http.post(
                f"{stage.pair.one.url}/v1/actions",
                content=json.dumps(
                    {k: v for k, v in {**action, **own}.items() if v}, ensure_ascii=False
                ),
                headers={"Origin": ORIGIN, "Content-Type": "text/plain"},
            )
            assert answer.status_code == 200, answer.text
            comment: str = answer.json()["comment"]["id"]
            load.ledger.comments[own["key"]] = Posted(comment, story.code, own["body"])
            return comment

        for _ in range(10):
            top = await post()
            await asyncio.gather(*(post(top) for _ in range(19)))
    return story.token, story.code


async def test_attacks_are_ended_as_stated_while_readers_are_served(set_stage: SetStage) -> None:
    stage, target = await besieged(set_stage)
    ends: dict[str, Ends] = {name: Counter() for name in QUICK}
    async with stage.load(rest=0.5) as load:
        await load.more(20)
        await asyncio.gather(
            *(
                attack.run(target, ends[name])
                for name, attack in QUICK.items()
                for _ in range(min(3, attack.together))
            )
        )
        recovered = await load.spread()
    for name, attack in QUICK.items():
        assert set(ends[name]) == attack.ends, name
    assert not load.ledger.retries, "no one else was refused"
    await stage.verdict(load, "garbage, floods and too much of everything", recovered)


async def test_what_strangers_say_on_the_bus_is_shown_to_no_one(set_stage: SetStage) -> None:
    stage = await set_stage("sqlite")
    async with stage.load() as load:
        async with Forger(stage.valkey.url) as forger:
            await load.more(600 if THOROUGH else 150)
            # Those who watch are told of what was saved, and of nothing else, while they talk.
            assert await load.spread() < 2 * SLOWNESS
            assert forger.forged > 200
        silenced = now()
        recovered = await load.recovery(silenced)
        refused = [
            await server.metric("widget_bus_messages_rejected_total") for server in stage.servers
        ]
    assert min(refused) > 50
    assert not load.ledger.retries
    await stage.verdict(load, "messages forged and repeated on the bus", recovered)


async def test_places_of_copies_are_not_used_up_by_a_stranger(set_stage: SetStage) -> None:
    stage, target = await besieged(set_stage)
    story = stage.publisher.story(label="The Copy")
    number = 2_300 if THOROUGH else 400
    async with stage.load(rest=0.5) as load:
        await load.more(20)
        for claims in ({"token": story.token}, {}):
            named = {"story": story.code, **claims}
            ends = await names_many_origins(target.port, named, number)
            assert ends == {"200": number // 2, "422": number // 2}
            for _ in range(number // 2):
                ledger = load.ledger
                ledger.reactions[story.code, "", -1 - len(ledger.reactions)] = "happy"
                ledger.acknowledged += 1
        struck = now()
        recovered = await load.recovery(struck)
    assert not load.ledger.retries, "no one else was refused"
    await stage.verdict(load, "places of copies asked for by a stranger", recovered)
    async with Client(stage.pair.one.url, "https://honest.example") as honest:
        await honest.subscribe(story.token)
        said = await honest.comment(story.code, "Hello.")
    assert said["copy"] == {"label": "The Copy", "origin": "https://honest.example"}
    engine = create_async_engine(stage.url)
    async with engine.connect() as connection:
        invented = text("SELECT count(*) FROM copies WHERE origin LIKE '%invented%'")
        kept = int(await connection.scalar(invented) or 0)
    await engine.dispose()
    assert 0 < kept <= int(DEFAULT_RATE_LIMITS["copy"].split("/")[0])


@slow
@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_is_ended_costs_little_and_is_not_felt(
    set_stage: SetStage, name: str
) -> None:
    stage, target = await besieged(set_stage)
    server, attack = stage.pair.one, ATTACKS[name]
    busy = stage.publisher.story()
    async with stage.load(rest=1.0) as load:
        long = await long_story(stage, load) if "long comments" in name else ("", "")
        target = Target(target.port, busy.token, target.others, long)
        await load.more(40)
        async with Stopwatch(load, server, busy) as watch, Attacker(name, target) as attacker:
            ends, held = await _until_all_have_ended(server, attack, attacker, watch)
            quiet, attacked = await _alternately(attack, attacker, watch, ends)
        recovered = await load.spread()
    assert ends, "they were there"
    assert set(ends) <= attack.ends, "ended as stated, or kept where that is stated"
    assert not load.ledger.retries, "no one else was refused"
    siege = AttackResult(
        name,
        "/".join(sorted(attack.ends)),
        ends.total(),
        held,
        *(quantile(quiet, 0.5), quantile(attacked, 0.5)),
        quantile(attacked, 0.9) / quantile(quiet, 0.9),
    )
    stage.attacks.append(siege)
    await stage.verdict(load, f"attack: {name}", recovered)
    assert held < MOST_BYTES
    assert siege.slower < MOST_SLOWER


async def _until_all_have_ended(
    server: ServerProcess, attack: Attack, attacker: Attacker, watch: Stopwatch
) -> tuple[Ends, float]:
    """How the first of them ended, and the bytes that each one cost meanwhile."""
    await watch.window(2)
    before, most = _resident(server), 0.0
    await attacker.go()
    wanted = {KEPT: 0, "429": 1_000, "503": 2_000}.get(max(attack.ends), attack.together)

    async def over() -> bool:
        nonlocal most
        await watch.window(0.5)
        most = max(most, _resident(server) - before + _queued(server))
        return (await attacker.so_far()).total() >= wanted

    await eventually(over, "all attackers have been ended", 60)
    if not wanted:
        await watch.window(10)
        await over()
    return await attacker.stop(), most / attack.together


async def _alternately(
    attack: Attack, attacker: Attacker, watch: Stopwatch, ends: Ends
) -> tuple[list[float], list[float]]:
    """Latencies in quiet windows and in attacked ones; how those were ended is added to `ends`.

    They take turns: what drifts, drifts for both.
    """
    quiet: list[float] = []
    attacked: list[float] = []
    measured = 0.0
    while measured < MEASURED_S or (
        measured < MOST_MEASURED_S and quantile(attacked, 0.5) > MOST_SLOWER * quantile(quiet, 0.5)
    ):
        await asyncio.sleep(CALM_S)
        quiet += await watch.window(attack.window_s)
        await attacker.go()
        attacked += await watch.window(attack.window_s)
        ends += await attacker.stop()
        measured += attack.window_s
    return quiet, attacked


def _resident(server: ServerProcess) -> int:
    """Bytes of memory that the serving process holds."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024


def _queued(server: ServerProcess) -> int:
    """Bytes that the kernel keeps for the server's connections with the attackers."""
    ours = "0100007F:"  # 127.0.0.1; the attackers come from elsewhere
    total = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        if int(local.split(":")[1], 16) == server.port and not remote.startswith(ours):
            total += sum(int(queue, 16) for queue in queues.split(":"))
    return total
