"""TCP ports on the loopback that stay free until the test opens them."""

import random
import socket
from contextlib import suppress

ADDRESS = "127.0.0.1"

#: Below the ports that kernels give to outgoing connections (Linux: from 32768), which would take
#: one between the search for it and its opening.
_BLOCK = 32
_BLOCKS = range(16_000, 32_000, _BLOCK)


class Ports:
    """Gives ports in order from blocks that are this process's own for as long as it lives.

    The sign of a block is its first port, on which we listen and which is given to no one: two runs
    of the tests on one machine never get the same port.
    """

    def __init__(self) -> None:
        self._signs: list[socket.socket] = []
        self._left = range(0)

    def take(self, number: int = 1) -> int:
        """The first of so many ports in a row, fewer than `_BLOCK`, that no one has opened."""
        while True:
            if len(self._left) < number:
                self._left = self._claim()
            taken, self._left = self._left[:number], self._left[number:]
            if all(map(_is_free, taken)):
                return taken[0]

    def _claim(self) -> range:
        for first in random.sample(_BLOCKS, len(_BLOCKS)):
            with suppress(OSError):
                self._signs.append(socket.create_server((ADDRESS, first)))
                return range(first + 1, first + _BLOCK)
        raise OSError("every block of ports is taken")

    def close(self) -> None:
        """Let others have what was not opened."""
        for sign in self._signs:
            sign.close()


def _is_free(port: int) -> bool:
    with socket.socket() as listener, suppress(OSError):
        listener.bind((ADDRESS, port))
        return True
    return False


_OWN = Ports()


def free_port() -> int:
    """A port of this process's own that no one listens on."""
    return _OWN.take()


def free_ports(number: int) -> int:
    """The first of so many in a row."""
    return _OWN.take(number)
