"""Logging to stderr, one line per event: `time=… level=… logger=… event=… key=value …`.

No line may contain anything that a reader sent. Lines of this server begin with `event=` and consist of
fixed words, numbers and class names. A line from another package is cut before its first value.
An exception is logged as its class and code locations, because its message may contain a reader's text.
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
"""Most code locations in the line of one exception, innermost first: enough to find the cause."""

_FIRST_WORDS = re.compile(r"[A-Za-z0-9_ ,.'-]*")


@dataclass(slots=True)
class LogMetrics:
    """Counts of log lines for /metrics."""

    warnings: Annotated[int, "lines of the log at level warning"] = 0
    errors: Annotated[int, "lines of the log at level error or above"] = 0


LOG_METRICS = LogMetrics()


class KeyValueFormatter(logging.Formatter):
    """Formatter that writes a record as one line of `key=value` pairs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a newline."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        level, message = record.levelname.lower(), str(record.msg)
        is_own = message.startswith("event=")
        message = record.getMessage() if is_own else _redact_foreign(message)
        line = f"time={at[:-6]}Z level={level} logger={record.name} {message}"
        if record.exc_info and record.exc_info[1] is not None:
            line += _format_exception(record.exc_info[1])
        return line


def _redact_foreign(message: str) -> str:
    """Return the words before the first value in a message of another package."""
    words = _FIRST_WORDS.match(message)
    return f'event=library said="{words[0].strip() if words else ""}"'


def _format_exception(error: BaseException) -> str:
    """Return the classes of an exception and its causes, and the code locations that raised them."""
    chain = list(_causes(error))
    locations = [
        f"{_short(frame.f_code.co_filename)}:{line}"
        for each in reversed(chain)
        for frame, line in reversed(list(walk_tb(each.__traceback__)))
    ]
    innermost = list(dict.fromkeys(locations))[:TRACE_ENTRIES]
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
    """Return the class name, with the error code of the system or the database if there is one."""
    code: Any = next(
        (
            value
            for name in ("sqlite_errorname", "sqlstate", "errno")
            if isinstance(value := getattr(error, name, None), str | int)
        ),
        None,
    )
    return type(error).__name__ + (f"({code})" if code is not None else "")


class CountingHandler(logging.StreamHandler[Any]):
    """Handler that writes log lines and counts warnings and errors in `LOG_METRICS`."""

    def emit(self, record: logging.LogRecord) -> None:
        """Count and write a record."""
        if record.levelno >= logging.ERROR:
            LOG_METRICS.errors += 1
        elif record.levelno >= logging.WARNING:
            LOG_METRICS.warnings += 1
        super().emit(record)


def configure_logging(level: str) -> None:
    """Log to stderr: lines of this server from `level` on, lines of other packages from warnings on.

    Python's own warnings and uncaught exceptions are logged too, in the same form.
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
