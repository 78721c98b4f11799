"""The embed's files: evergreen with a short life, and by hash for ever, compressed beforehand."""

import gzip
import re
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from widget_server.model.errors import NotFound

STATIC = Path(__file__).parent.parent / "static"
EVERGREEN = "public, max-age=300, stale-while-revalidate=86400"
IMMUTABLE = "public, max-age=31536000, immutable"
_PINNED = re.compile(r"[\d.]+-[0-9a-f]{12}[-.]")
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".css": "text/css; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file with its compressed forms by content coding."""

    media_type: str
    plain: bytes
    coded: dict[str, bytes]


class Assets:
    """All files of the built embed, read once."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._files: dict[str, Asset] = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix in _TYPES:
                self._files[path.relative_to(folder).as_posix()] = _read(path)

    def answer(self, request: Request, name: str, cache: str) -> Response:
        """The file in the best form that the browser takes. Raises `NotFound`."""
        asset = self._files.get(name)
        if asset is None:
            raise NotFound
        headers = {
            "Cache-Control": cache,
            "Vary": "Accept-Encoding",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        accepted = {
            part.partition(";")[0].strip()
            for part in request.headers.get("accept-encoding", "").split(",")
        }
        for coding, body in asset.coded.items():
            if coding in accepted:
                headers["Content-Encoding"] = coding
                return Response(body, 200, headers, media_type=asset.media_type)
        return Response(asset.plain, 200, headers, media_type=asset.media_type)


def _read(path: Path) -> Asset:
    plain = path.read_bytes()
    coded = {}
    brotli = path.with_name(path.name + ".br")
    if brotli.is_file():
        coded["br"] = brotli.read_bytes()
    coded["gzip"] = gzip.compress(plain, 9, mtime=0)
    return Asset(_TYPES[path.suffix], plain, coded)


async def evergreen(request: Request) -> Response:
    """`GET /embed.js`: always the newest, kept for five minutes."""
    assets: Assets = request.app.state.assets
    return assets.answer(request, "embed.js", EVERGREEN)


async def pinned(request: Request) -> Response:
    """`GET /embed/<version>-<hash>…`: never changes, kept as long as the major version lives.

    A name without a hash (`manifest.json`, `frame.js`) is evergreen.
    """
    assets: Assets = request.app.state.assets
    file = request.path_params["file"]
    cache = IMMUTABLE if _PINNED.match(file) else EVERGREEN
    return assets.answer(request, f"embed/{file}", cache)
