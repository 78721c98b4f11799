"""Shared code of the rival programs: the protocol on standard input and output."""

import socket
import sys
from collections.abc import Callable
from typing import NoReturn


def respond(*values: object) -> None:
    """Write one line to the benchmark."""
    sys.stdout.write(" ".join(map(str, values)) + "\n")
    sys.stdout.flush()


def serve_requests(broadcast: Callable[[bytes, int], tuple[float, float]]) -> None:
    """Broadcast on request until standard input ends."""
    for line in sys.stdin:
        rounds, _, payload = line.rstrip("\n").partition(" ")
        wall, cpu = broadcast(payload.encode(), int(rounds))
        respond(wall, cpu)


def cannot_run(reason: str) -> NoReturn:
    """Print the reason and exit with status 0."""
    respond(reason)
    raise SystemExit(0)


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
