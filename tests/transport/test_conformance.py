"""RFC 6455 as the Autobahn test cases have it, against the protocol that serves our sockets."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tests.transport.serving import serving
from widget_server.transport.websocket.protocol import WebSocketProtocol

ON_BOTH_LOOPS = True

GROUPS = (1, 2, 3, 4, 5, 6, 7, 10)

#: websockets calls a close frame between two fragments a protocol error and answers 1002 where the
#: case wants the code back. RFC 6455 allows the frame there (5.4) and asks only SHOULD for the echo.
UPSTREAM = {"7.1.5"}

PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}


class UnlimitedProtocol(WebSocketProtocol):
    """The cases send faster and in smaller pieces than any embed may."""

    message_rate = control_rate = 1e9
    message_burst = control_burst = max_fragments = 1_000_000


async def echo(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        content = {key: message[key] for key in ("text", "bytes") if key in message}
        await send({"type": "websocket.send", **content})


async def test_every_case_passes_but_the_one_that_differs_upstream(tmp_path: Path) -> None:
    async with serving(echo, ws=UnlimitedProtocol, max_size=1 << 24) as served:
        # In a process of its own: its cases are old code that changes modules of Python itself.
        program = "from kosoku._cli import main; main()"
        include = [word for group in GROUPS for word in ("-i", f"{group}.*")]
        suite = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, served.url("/"), *include, "-p", "8", "-o", str(tmp_path),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await suite.communicate()
    index = tmp_path / "index.json"
    assert index.exists(), output.decode()
    (results,) = json.loads(index.read_text()).values()
    failed = {
        case
        for case, result in results.items()
        if not {result["behavior"], result["behaviorClose"]} <= PASSED
    }
    assert len(results) == 247
    assert failed == UPSTREAM
