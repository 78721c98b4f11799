"""A log line names the event and the place in the code, and never contains readers' data."""

import asyncio
import json
import logging
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable

import pytest

from widget_server.logs import KeyValueFormatter

SECRET = "a word of a reader"
GRAMMAR = re.compile(
    r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=\w+ logger=[\w.]+ event=\w+"
    r'( \w+=("[^"]*"|[^\s"]+))*'
)


def line(message: str, *args: object, error: BaseException | None = None) -> str:
    """Return the formatted record, without time, level and logger."""
    info = None if error is None else (type(error), error, error.__traceback__)
    record = logging.LogRecord("some.where", logging.ERROR, __file__, 1, message, args, info)
    formatted = KeyValueFormatter().format(record)
    assert GRAMMAR.fullmatch(formatted), formatted
    return formatted.partition(" logger=some.where ")[2]


def caught(work: Callable[[], object]) -> BaseException:
    """Call `work` and return the exception that it raises."""
    try:
        work()
    except BaseException as error:
        return error
    raise AssertionError("the call raised nothing")


def test_messages_of_this_package_are_not_changed() -> None:
    assert (
        line("event=bus_disconnected reason=%s", "OSError")
        == "event=bus_disconnected reason=OSError"
    )


@pytest.mark.parametrize(
    ("message", "args", "kept"),
    [
        ("Task was never retrieved\nfuture: <Task>", (), "Task was never retrieved"),
        (f"Exception in callback f('{SECRET}')", (), "Exception in callback f"),
        ('%s - "GET %s" %d', (SECRET, "/", 404), ""),
        ("Traceback (most recent call last):\n  x", (), "Traceback"),
    ],
)
def test_messages_of_other_packages_are_cut_after_their_first_words(
    message: str, args: tuple[object, ...], kept: str
) -> None:
    assert line(message, *args) == f'event=library said="{kept}"'


def test_an_exception_is_logged_with_its_classes_and_places_but_without_its_message() -> None:
    def in_a_database() -> None:
        connection = sqlite3.connect(":memory:")
        try:
            connection.execute("CREATE TABLE t (x PRIMARY KEY)")
            connection.execute("INSERT INTO t VALUES (?), (?)", (SECRET, SECRET))
        except sqlite3.Error as error:
            raise LookupError(SECRET) from error
        finally:
            connection.close()

    written = line("event=failed", error=caught(in_a_database))
    assert SECRET not in written
    assert "error=LookupError<IntegrityError(SQLITE_CONSTRAINT_PRIMARYKEY) " in written
    assert re.search(r" at=tests/test_logs\.py:\d+<tests/test_logs\.py:\d+", written)


def test_exceptions_in_a_group_and_contexts_of_exceptions_are_logged() -> None:
    def raise_in_handler() -> None:
        try:
            json.loads(SECRET)
        except ValueError:
            raise OSError(28, SECRET)  # noqa: B904 - the mistake that the test is about

    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.to_thread(raise_in_handler))

    written = line("event=failed", error=caught(lambda: asyncio.run(group())))
    assert SECRET not in written
    assert "error=ExceptionGroup<OSError(28)<JSONDecodeError " in written


def test_warnings_and_uncaught_exceptions_are_logged_in_the_same_format() -> None:
    program = (
        "import warnings; from widget_server import logs; logs.configure_logging('info')\n"
        f"warnings.warn({SECRET!r})\n"
        "class Lost:\n"
        f"    def __del__(self): raise KeyError({SECRET!r})\n"
        "Lost()\n"
        f"raise ValueError({SECRET!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert all(GRAMMAR.fullmatch(one) for one in lines), done.stderr
    fields = [re.findall(r"event=(\w+)|(?:error|kind)=(\w+)", one) for one in lines]
    assert [[event or kind for event, kind in found] for found in fields] == [
        ["python_warning", "UserWarning"],
        ["exception_ignored", "KeyError"],
        ["uncaught_exception", "ValueError"],
    ]
    assert SECRET not in done.stderr
