"""The embed's files: `embed.js` with a short cache time, hashed names for ever; precompressed."""

import gzip
import re
from dataclasses import dataclass, replace
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from widget_server.model.errors import NotFoundError
from widget_server.operations.embed_builds import OtherBuilds

STATIC = Path(__file__).parent.parent / "static"
CACHE_LATEST = "public, max-age=300, stale-while-revalidate=86400"
CACHE_IMMUTABLE = "public, max-age=31536000, immutable"
_PINNED = re.compile(r"[\d.]+-[0-9a-f]{8,12}[-.][\w.-]{1,40}")
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file, plain and in its content encodings."""

    media_type: str
    plain: bytes
    encodings: dict[str, bytes]


class Assets:
    """Static files of one folder, held in memory: the built embed, or the styles of the pages."""

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, Asset] = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix in _TYPES:
                self._files[path.relative_to(folder).as_posix()] = _read(path)

    def immutable(self) -> dict[str, str]:
        """Return the files with a hash in their name: name below `/embed/` to content."""
        names = [name for name in self._files if _PINNED.fullmatch(name.removeprefix("embed/"))]
        return {name.removeprefix("embed/"): self._files[name].plain.decode() for name in names}

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def add(self, name: str, content: str) -> None:
        """Store a file of another build."""
        self._files[name] = _asset(Path(name).suffix, content.encode())

    def response(self, request: Request, name: str, cache: str) -> Response:
        """Return the file in the best encoding that the client accepts. Raises `NotFoundError`."""
        asset = self._files.get(name)
        if asset is None:
            raise NotFoundError
        headers = {
            "Cache-Control": cache,
            "Vary": "Accept-Encoding",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        accepted = {
            part.partition(";")[0].strip()
            for part in request.headers.get("accept-encoding", "").split(",")
        }
        for coding, body in asset.encodings.items():
            if coding in accepted:
                headers["Content-Encoding"] = coding
                return Response(body, 200, headers, media_type=asset.media_type)
        return Response(asset.plain, 200, headers, media_type=asset.media_type)


def _read(path: Path) -> Asset:
    asset = _asset(path.suffix, path.read_bytes())
    brotli = path.with_name(path.name + ".br")
    if brotli.is_file():
        return replace(asset, encodings={"br": brotli.read_bytes(), **asset.encodings})
    return asset


def _asset(suffix: str, plain: bytes) -> Asset:
    return Asset(_TYPES[suffix], plain, {"gzip": gzip.compress(plain, 9, mtime=0)})


async def latest_asset(request: Request) -> Response:
    """Handle `GET /embed.js`: the newest build, cached for five minutes."""
    assets: Assets = request.app.state.assets
    return assets.response(request, "embed.js", CACHE_LATEST)


async def versioned_asset(request: Request) -> Response:
    """Handle `GET /embed/<version>-<hash>…`: immutable, served as long as the major version is.

    The file may be of another build: another process may already serve a newer one, and open pages
    use older ones. A name without a hash (`manifest.json`, `iframe.js`) is the newest build's file.
    """
    assets: Assets = request.app.state.assets
    file = request.path_params["file"]
    name = f"embed/{file}"
    hashed = _PINNED.fullmatch(file) and Path(file).suffix in _TYPES
    if hashed and name not in assets:
        others: OtherBuilds = request.app.state.other_builds
        content = await others.find(file)
        if content is not None:
            assets.add(name, content)
    return assets.response(request, name, CACHE_IMMUTABLE if hashed else CACHE_LATEST)
