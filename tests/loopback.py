"""HTTP clients for servers on the loopback: no TLS, and no proxy settings of this machine."""

import ssl
from typing import Any

import httpx

#: `verify` of all clients. Without an SSL context, httpx loads every certificate authority of the
#: machine for each client, which takes as long as ten requests.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def http_client(**settings: Any) -> httpx.AsyncClient:
    """Return an asynchronous client with these httpx settings."""
    return httpx.AsyncClient(trust_env=False, verify=NO_TLS, **settings)
