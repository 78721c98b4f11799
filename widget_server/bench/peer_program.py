"""What the peer programs share: taking orders, and saying that they cannot."""

import socket
import sys
from collections.abc import Callable

CANNOT_RUN = 77


def say(*words: object) -> None:
    """Answer who measures."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def obey(pour: Callable[[bytes, int], tuple[float, float]]) -> None:
    """Carry out orders until there are no more."""
    for line in sys.stdin:
        rounds, _, payload = line.rstrip("\n").partition(" ")
        wall, cpu = pour(payload.encode(), int(rounds))
        say(wall, cpu)


def cannot_run(reason: str) -> None:
    """Say so and end."""
    sys.stderr.write(f"{reason}\n")
    raise SystemExit(CANNOT_RUN)


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
