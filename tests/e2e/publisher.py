"""A publisher's back end, which signs tokens offline with the site key by plain HMAC."""

import itertools
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from tests.contract.make_tokens import b64, code, sign, site_key

_stories = itertools.count(1)


@dataclass(frozen=True)
class Story:
    """A story's key, its public code and a widget token for all origins `https://*.example`."""

    key: str
    code: str
    token: str


@dataclass(frozen=True)
class Publisher:
    """The back end of a site: `generation` is the key generation that signs."""

    site: str
    secret: str
    generation: int = 1

    def story(self, **claims: Any) -> Story:
        """Create a story key and token. The server does not have the story yet."""
        key = f"2026/{next(_stories)}-{uuid.uuid4().hex[:6]}"
        return Story(key, code(self.site, key), self.token(key, **claims))

    def token(self, story: str, **claims: Any) -> str:
        """Return a widget token (`w1`)."""
        defaults = {"story": story, "origins": ["https://*.example"], "iat": int(time.time())}
        return self._mint("w1", "widget-token", {**defaults, **claims})

    def identity(self, sub: str, name: str, **claims: Any) -> str:
        """Return an identity token (`i1`) that is valid for five minutes."""
        now = int(time.time())
        jti = uuid.uuid4().hex
        defaults = {"sub": sub, "name": name, "jti": jti, "iat": now, "exp": now + 300}
        return self._mint("i1", "identity", {**defaults, **claims})

    def _mint(self, kind: str, salt: str, payload: dict[str, Any]) -> str:
        compact = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
        key = site_key(self.secret, self.generation, self.site)
        return sign(key, salt, f"{kind}.{self.site}.{self.generation}.{b64(compact)}")
