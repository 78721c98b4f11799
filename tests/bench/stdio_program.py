"""What the peer programs share: taking orders, and saying that they cannot."""

import socket
import sys
from collections.abc import Callable
from typing import NoReturn


def respond(*words: object) -> None:
    """Answer who measures."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def serve_requests(pour: Callable[[bytes, int], tuple[float, float]]) -> None:
    """Carry out orders until there are no more."""
    for line in sys.stdin:
        rounds, _, payload = line.rstrip("\n").partition(" ")
        wall, cpu = pour(payload.encode(), int(rounds))
        respond(wall, cpu)


def cannot_run(reason: str) -> NoReturn:
    """Say so and end."""
    respond(reason)
    raise SystemExit(0)


def free_port() -> int:
    """A port that no one listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
