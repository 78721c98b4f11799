"""One line an event on standard error: `time=… level=… logger=… event=… key=value …`.

Nothing that a reader sent may stand there. Our own lines begin with `event=` and are made of words
of ours, numbers and names of classes. Of a line from another package the words before the first
value are kept, of an exception its class and the places in the code: its message may hold a text.
"""

import logging
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from traceback import walk_tb
from typing import Annotated, Any

TRACE_ENTRIES = 12
"""Places in the code that are named of one failure, the innermost first."""

_FIRST_WORDS = re.compile(r"[A-Za-z0-9_ ,.'-]*")


@dataclass(slots=True)
class LogMetrics:
    """What was logged, for /metrics."""

    warnings: Annotated[int, "lines of the log at level warning"] = 0
    errors: Annotated[int, "lines of the log at level error or above"] = 0


LOG_METRICS = LogMetrics()


class KeyValueFormatter(logging.Formatter):
    """Writes a record as one line of `key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without an end."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        level, said = record.levelname.lower(), str(record.msg)
        said = record.getMessage() if said.startswith("event=") else _redact_foreign(said)
        line = f"time={at[:-6]}Z level={level} logger={record.name} {said}"
        if record.exc_info and record.exc_info[1] is not None:
            line += _format_exception(record.exc_info[1])
        return line


def _redact_foreign(said: str) -> str:
    words = _FIRST_WORDS.match(said)
    return f'event=library said="{words[0].strip() if words else ""}"'


def _format_exception(error: BaseException) -> str:
    """The classes of an exception and of what caused it, and where they were raised."""
    chain = list(_causes(error))
    places = [
        f"{_short(frame.f_code.co_filename)}:{line}"
        for each in reversed(chain)
        for frame, line in reversed(list(walk_tb(each.__traceback__)))
    ]
    innermost = list(dict.fromkeys(places))[:TRACE_ENTRIES]
    return f" error={'<'.join(map(_error_name, chain))} at={'<'.join(innermost) or '-'}"


def _short(file: str) -> str:
    return "/".join(PurePath(file).parts[-2:])


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        else:
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _error_name(error: BaseException) -> str:
    """The class, with what the system or the database calls the fault."""
    fault: Any = next(
        (
            found
            for name in ("sqlite_errorname", "sqlstate", "errno")
            if isinstance(found := getattr(error, name, None), str | int)
        ),
        None,
    )
    return type(error).__name__ + (f"({fault})" if fault is not None else "")


class CountingHandler(logging.StreamHandler[Any]):
    """Writes a line of the log, and counts warnings and errors."""

    def emit(self, record: logging.LogRecord) -> None:
        """Count and write a record."""
        if record.levelno >= logging.ERROR:
            LOG_METRICS.errors += 1
        elif record.levelno >= logging.WARNING:
            LOG_METRICS.warnings += 1
        super().emit(record)


def configure_logging(level: str) -> None:
    """Log to standard error: our own lines from `level` on, those of other packages that warn.

    Also what Python would print by itself: warnings, and exceptions that no one caught.
    """
    handler = CountingHandler(sys.stderr)
    handler.setFormatter(KeyValueFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    log = logging.getLogger("widget_server")
    log.setLevel(level.upper())
    warnings.showwarning = lambda _text, kind, file, line, *_: log.warning(
        "event=python_warning kind=%s at=%s:%d", kind.__name__, _short(file), line
    )
    sys.excepthook = lambda _kind, error, _trace: _on_uncaught(log, error)
    sys.unraisablehook = lambda it: log.error("event=exception_ignored", exc_info=it.exc_value)


def _on_uncaught(log: logging.Logger, error: BaseException) -> None:
    if isinstance(error, KeyboardInterrupt):
        log.warning("event=interrupted")
    else:
        log.critical("event=uncaught_exception", exc_info=error)
