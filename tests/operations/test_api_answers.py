"""Answers by idempotency key: kept for a day, and free again after the death of a process."""

from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.operations.operations_harness import Server
from widget_server.model.actors import Actor
from widget_server.model.errors import MalformedError, StaleError, UnavailableError
from widget_server.operations.moderation.log import verify_site_log
from widget_server.operations.owners import api_answers
from widget_server.operations.owners.api_answers import KEEP_MS, RUNNING_MS, StoredAnswer
from widget_server.operations.services import Services
from widget_server.store.schema_people import api_answers as table

KEY = Actor("key", "0123456789abcdef", "api", "paper", "machine", scopes=frozenset({"read_log"}))
OTHER = replace(KEY, id="fedcba9876543210")
NAME, REQUEST = "a-name-of-a-request", "f" * 64
ANSWER = StoredAnswer(201, '{"jti":"x"}')


def later(server: Server, milliseconds: int) -> Services:
    """Return the services as they are after this time."""
    clock = server.services.clock
    return replace(server.services, clock=lambda: clock() + milliseconds / 1000)


async def rows(server: Server) -> int:
    """Return the number of stored answers."""

    async def read(connection: AsyncConnection) -> int:
        return len((await connection.execute(table.select())).all())

    return await server.components.database.read(read)


async def test_an_answer_is_repeated_for_a_day_and_only_to_its_api_key(server: Server) -> None:
    services = server.services
    begun = await api_answers.begin(services, KEY, NAME, REQUEST)
    assert (begun.answer, begun.request.again) == (None, False)
    await api_answers.finish(services, KEY, NAME, begun.request, ANSWER)
    assert (await api_answers.begin(services, KEY, NAME, REQUEST)).answer == ANSWER
    assert (await api_answers.begin(services, OTHER, NAME, REQUEST)).answer is None
    almost, after = later(server, KEEP_MS - 5_000), later(server, KEEP_MS + 5_000)
    assert (await api_answers.begin(almost, KEY, NAME, REQUEST)).answer == ANSWER
    assert (await api_answers.begin(after, KEY, NAME, REQUEST)).answer is None


async def test_a_request_that_is_being_done_is_not_done_again_until_its_process_counts_as_dead(
    server: Server,
) -> None:
    services = server.services
    first = await api_answers.begin(services, KEY, NAME, REQUEST)
    with pytest.raises(StaleError) as running:
        await api_answers.begin(services, KEY, NAME, REQUEST)
    assert running.value.retry_after == 1
    dead = later(server, RUNNING_MS + 1_000)
    second = await api_answers.begin(dead, KEY, NAME, REQUEST)
    assert second.answer is None
    assert (second.request.id, second.request.again) == (first.request.id, True)
    with pytest.raises(StaleError):
        await api_answers.begin(dead, KEY, NAME, REQUEST)


async def test_a_name_is_for_one_request_and_a_refused_one_frees_it(server: Server) -> None:
    services = server.services
    first = await api_answers.begin(services, KEY, NAME, REQUEST)
    with pytest.raises(StaleError) as other:
        await api_answers.begin(services, KEY, NAME, "0" * 64)
    assert other.value.retry_after is None
    await api_answers.finish(services, KEY, NAME, first.request, None)
    again = await api_answers.begin(services, KEY, NAME, REQUEST)
    assert (again.request.id, again.request.again) == (first.request.id, True)
    await api_answers.finish(services, KEY, NAME, again.request, None)
    another = await api_answers.begin(services, KEY, NAME, "0" * 64)
    assert another.request.id != first.request.id
    assert not another.request.again
    for wrong in ("short", "a b c d e f", "x" * 65, "ümlaut-umlaut"):
        with pytest.raises(MalformedError):
            await api_answers.begin(services, KEY, wrong, REQUEST)


async def test_an_answer_is_not_lost_to_a_slow_attempt_at_the_same_request(server: Server) -> None:
    services = server.services
    slow = await api_answers.begin(services, KEY, NAME, REQUEST)
    dead = later(server, RUNNING_MS + 1_000)
    fast = await api_answers.begin(dead, KEY, NAME, REQUEST)
    await api_answers.finish(dead, KEY, NAME, fast.request, ANSWER)
    await api_answers.finish(dead, KEY, NAME, slow.request, None)
    assert (await api_answers.begin(dead, KEY, NAME, REQUEST)).answer == ANSWER


async def test_a_row_of_the_version_before_is_done_as_it_was_there(server: Server) -> None:
    async def add(connection: AsyncConnection) -> None:
        row = {"api_key": KEY.id, "name": NAME, "fingerprint": REQUEST, "created_at": 1}
        await connection.execute(table.insert().values(**row))

    await server.components.database.write(add)
    begun = await api_answers.begin(
        replace(server.services, clock=lambda: RUNNING_MS / 1000 + 1), KEY, NAME, REQUEST
    )
    assert (begun.answer, begun.request.again) == (None, False)


async def test_the_job_deletes_answers_after_a_day(server: Server) -> None:
    begun = await api_answers.begin(server.services, KEY, NAME, REQUEST)
    await api_answers.finish(server.services, KEY, NAME, begun.request, ANSWER)
    await api_answers.begin(server.services, OTHER, NAME, REQUEST)
    assert await api_answers.delete_old(later(server, KEEP_MS - 5_000)) == 0
    assert await rows(server) == 2
    assert await api_answers.delete_old(later(server, KEEP_MS + 5_000)) == 2
    assert await rows(server) == 0


async def test_a_check_of_a_sites_log_does_not_name_a_file_of_the_server(server: Server) -> None:
    assert (await verify_site_log(server.services, KEY, "paper")).verdict.damages == []
    server.services.log_heads.write_text("no json")
    with pytest.raises(UnavailableError) as unreadable:
        await verify_site_log(server.services, KEY, "paper")
    assert str(server.services.log_heads) not in unreadable.value.detail
