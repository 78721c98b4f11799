"""HTTP clients for servers on the loopback: without TLS, and past any proxy of this machine."""

import ssl
from typing import Any

import httpx

#: One for all. A client that is given none reads every certificate authority of the machine, which
#: takes as long as ten requests.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def http_client(**settings: Any) -> httpx.AsyncClient:
    """An asynchronous client with these settings of httpx."""
    return httpx.AsyncClient(trust_env=False, verify=_NO_TLS, **settings)
