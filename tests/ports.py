"""TCP ports on the loopback that stay free until the test opens them."""

import random
import socket
from contextlib import suppress

ADDRESS = "127.0.0.1"

#: Below the ports that kernels give to outgoing connections (Linux: from 32768). An outgoing
#: connection could take such a port after the search and before a server opens it.
_BLOCK = 32
_BLOCKS = range(16_000, 32_000, _BLOCK)


class Ports:
    """Allocator of ports from blocks that this process reserves for its lifetime.

    The allocator reserves a block by listening on the first port of the block, which it never
    returns. Therefore two test runs on one machine never get the same port.
    """

    def __init__(self) -> None:
        self._block_locks: list[socket.socket] = []
        self._unused = range(0)

    def take(self, number: int = 1) -> int:
        """Return the first of `number` consecutive free ports; `number` is less than `_BLOCK`.

        Raises `OSError` if every block is reserved.
        """
        while True:
            if len(self._unused) < number:
                self._unused = self._reserve_block()
            ports, self._unused = self._unused[:number], self._unused[number:]
            if all(map(_is_free, ports)):
                return ports[0]

    def _reserve_block(self) -> range:
        for first in random.sample(_BLOCKS, len(_BLOCKS)):
            with suppress(OSError):
                self._block_locks.append(socket.create_server((ADDRESS, first)))
                return range(first + 1, first + _BLOCK)
        raise OSError("every block of ports is taken")

    def close(self) -> None:
        """Release all blocks."""
        for lock in self._block_locks:
            lock.close()


def _is_free(port: int) -> bool:
    with socket.socket() as listener, suppress(OSError):
        listener.bind((ADDRESS, port))
        return True
    return False


_PORTS = Ports()


def free_port() -> int:
    """Return a free port that no other test process gets."""
    return _PORTS.take()


def free_ports(number: int) -> int:
    """Return the first of `number` consecutive free ports."""
    return _PORTS.take(number)
