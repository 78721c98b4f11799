"""After `kill -9` of a server under requests of programs, each request that is sent again was done once."""

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx
import pytest

from tests.e2e.harness import ServerProcess
from tests.faults.fault_environment import SEED, THOROUGH
from tests.faults.fault_report import FAULT, FaultResult
from tests.loopback import http_client
from tests.waiting import eventually

ROUNDS = 40 if THOROUGH else 3
PROGRAMS = 8
SECRET = "a secret of the killed server without a comma"
BODIES: dict[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    "token": ("/tokens", lambda key: {"story": key, "origins": ["*"]}),
    "key": ("/keys", lambda key: {"label": key, "scopes": ["read"]}),
    "invite": ("/invitations", lambda _: {"role": "auditor"}),
    "rotate": ("/tokens/keys:rotate", lambda _: {}),
}
"""Path and body of a request by the verb that the site's log names it with."""


@dataclass
class Programs:
    """Programs that send requests with an API key, each with an idempotency key of its own."""

    server: ServerProcess
    key: str
    rng: random.Random
    sent: dict[str, str] = field(default_factory=dict)
    """Verb of each request by its idempotency key."""
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def send(self, http: httpx.AsyncClient, verb: str, key: str) -> httpx.Response:
        """Send a request."""
        path, body = BODIES[verb]
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": key}
        return await http.post(
            f"{self.server.url}/v1/sites/paper{path}", json=body(key), headers=headers
        )

    async def work(self) -> None:
        """Send requests until the server is killed."""
        async with http_client(timeout=20) as http:
            while True:
                verb, key = self.rng.choice(list(BODIES)), uuid.uuid4().hex
                self.sent[key] = verb
                try:
                    answer = await self.send(http, verb, key)
                except httpx.TransportError:
                    return
                assert answer.status_code in {200, 201}, answer.text
                self.answers[key] = answer.json()

    async def complete(self, http: httpx.AsyncClient, key: str) -> dict[str, Any]:
        """Send a request again until it is answered; return the answer."""
        found: list[httpx.Response] = []

        async def answered() -> bool:
            found.append(await self.send(http, self.sent[key], key))
            assert found[-1].status_code in {200, 201, 409}, found[-1].text
            return found[-1].status_code != 409

        await eventually(answered, "the request is answered", 40)
        content: dict[str, Any] = found[-1].json()
        return content

    async def logged(self, http: httpx.AsyncClient, verb: str) -> list[dict[str, Any]]:
        """Return all entries of the site's log with this verb."""
        entries: list[dict[str, Any]] = []
        after = ""
        while True:
            page = await http.get(
                f"{self.server.url}/v1/sites/paper/log",
                params={"verb": verb, "limit": "100"} | ({"after": after} if after else {}),
                headers={"Authorization": f"Bearer {self.key}"},
            )
            content = page.json()
            entries += [one for one in content["decisions"] if one["actor_kind"] == "key"]
            after = content["next"]
            if not after:
                return entries


@pytest.mark.slow("postgresql")
async def test_each_request_with_an_idempotency_key_is_done_once_after_kill_9(
    database_url: str,
    new_server: Callable[..., ServerProcess],
    record_property: Callable[[str, object], None],
) -> None:
    rng = random.Random(SEED)
    server = new_server(DATABASE_URL=database_url, SECRET_KEYS=SECRET)
    await asyncio.to_thread(server.cli, "migrate")
    await asyncio.to_thread(server.cli, "site", "create", "paper", "--name", "A paper")
    words = ["key", "create", "paper", "--label", "programs"]
    for verb in (*BODIES, "read_log", "read_tokens", "read_people", "read"):
        words += ["--scope", verb]
    programs = Programs(server, await asyncio.to_thread(server.cli, *words), rng)
    longest = 0.0
    for round_ in range(ROUNDS):
        begun = time.monotonic()
        await server.start()
        longest = max(longest, time.monotonic() - begun)
        done = len(programs.answers)
        working = [asyncio.create_task(programs.work()) for _ in range(PROGRAMS)]
        await eventually(
            lambda done=done: len(programs.answers) >= done + 2 * PROGRAMS,
            f"requests of round {round_} are answered",
            30,
        )
        # A random moment is the purpose of the test; 0.05 s covers several requests.
        await asyncio.sleep(rng.uniform(0, 0.05))
        await server.kill()
        await asyncio.gather(*working)
    await server.start()
    unanswered = programs.sent.keys() - programs.answers.keys()
    assert unanswered, "no request was in flight when the server was killed"
    async with http_client(timeout=20) as http:
        for key in sorted(unanswered):
            programs.answers[key] = await programs.complete(http, key)
        for key in rng.sample(sorted(programs.sent), 20):
            again = await programs.complete(http, key)
            for name in ("id", "jti"):
                assert again.get(name) == programs.answers[key].get(name)
        found = {verb: await programs.logged(http, verb) for verb in BODIES}
    wanted = Counter(programs.sent.values())
    assert {verb: len(entries) for verb, entries in found.items()} == dict(wanted)
    for verb, name in (("token", "story"), ("key", "label")):
        keys = sorted(key for key, sent in programs.sent.items() if sent == verb)
        assert sorted(one["after"][name] for one in found[verb]) == keys
    numbers = sorted(one["after"]["generation"] for one in found["rotate"])
    assert numbers == list(range(2, 2 + wanted["rotate"]))
    made = {one["targets"][0] for one in found["invite"]}
    assert made == {
        programs.answers[key]["id"][:12] for key, sent in programs.sent.items() if sent == "invite"
    }
    engine = database_url.partition("+")[0].partition(":")[0]
    fault = f"kill -9 under requests with Idempotency-Key, {ROUNDS} times, sent again"
    result = FaultResult(fault, engine, len(programs.sent), 0, 0, longest)
    record_property(FAULT, asdict(result))
