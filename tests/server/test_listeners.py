"""The ports that tests use: a port that was found free is still free when it is opened."""

import socket
from contextlib import closing

from tests.ports import ADDRESS, Ports


def test_two_test_runs_never_get_the_same_port_nor_a_used_one() -> None:
    with closing(Ports()) as one, closing(Ports()) as other:
        ports = [[run.take() for _ in range(50)] for run in (one, other)]
        assert len({*ports[0], *ports[1]}) == 100
        with socket.create_server((ADDRESS, ports[0][-1] + 2)) as taken:
            first = one.take(4)
            assert taken.getsockname()[1] not in range(first, first + 4)
            for port in range(first, first + 4):
                socket.create_server((ADDRESS, port)).close()
