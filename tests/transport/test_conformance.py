"""The Autobahn test cases for RFC 6455, run against `WebSocketProtocol`."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tests.transport.serving import serving
from widget_server.transport.settings import WebSocketLimits

ON_BOTH_LOOPS = True

GROUPS = (1, 2, 3, 4, 5, 6, 7, 10)

#: `websockets` treats a close frame between two fragments as a protocol error and closes with 1002;
#: the case expects an echo of the code. RFC 6455 allows the frame (5.4) and the echo is a SHOULD.
UPSTREAM = {"7.1.5"}

PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}


#: The cases send faster and in more fragments than an embed may.
UNLIMITED = WebSocketLimits(
    message_rate=1e9,
    message_burst=1_000_000,
    control_rate=1e9,
    control_burst=1_000_000,
    max_fragments=1_000_000,
)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        content = {key: message[key] for key in ("text", "bytes") if key in message}
        await send({"type": "websocket.send", **content})


async def test_every_autobahn_case_passes_except_the_one_that_differs_upstream(
    tmp_path: Path,
) -> None:
    async with serving(echo, websocket=UNLIMITED, max_size=1 << 24) as served:
        # In a separate process: the cases are old code that patches modules of the standard library.
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
