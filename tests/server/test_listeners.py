"""What the tests themselves stand on: a port that was found free is still free when it is opened."""

import socket
from contextlib import closing

from tests.ports import ADDRESS, Ports


def test_two_runs_of_the_tests_never_get_the_same_port_nor_one_that_is_taken() -> None:
    with closing(Ports()) as ours, closing(Ports()) as theirs:
        got = [[run.take() for _ in range(50)] for run in (ours, theirs)]
        assert len({*got[0], *got[1]}) == 100
        with socket.create_server((ADDRESS, got[0][-1] + 2)) as taken:
            first = ours.take(4)
            assert taken.getsockname()[1] not in range(first, first + 4)
            for port in range(first, first + 4):
                socket.create_server((ADDRESS, port)).close()
