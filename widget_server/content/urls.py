"""Parse absolute http and https URLs of clients. URLs are never corrected."""

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import urljoin

DEFAULT_PORTS = {"http": 80, "https": 443}

# Browsers treat a backslash as a slash and remove tabs and line breaks. Reject such URLs, because a
# browser would parse them differently.
_FORBIDDEN = re.compile(r'[\x00-\x20\x7f-\x9f\s\\<>"\ud800-\udfff]')
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[^/?#@:\[\]%]+)"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<rest>(?:[/?#].*)?)",
    re.IGNORECASE,
)
# A browser reads ℀ as a/c: such a host is refused, also by `urllib.parse`, which raises an error.
_NOT_IN_HOST = re.compile(r"[\x00-\x20/?#@:%\[\]\\<>^|]")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LABELS = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")


@dataclass(frozen=True, slots=True)
class Url:
    """A URL without user name or password.

    `host` is in lower case; an IPv6 address is in brackets and in its shortest spelling. `rest` is
    the path, query and fragment exactly as written.
    """

    scheme: str
    host: str
    port: int
    rest: str

    @property
    def origin(self) -> str:
        """Scheme, host and, unless default, port (RFC 6454, section 6.2)."""
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


def split(text: str) -> Url | None:
    """Return the parts of an absolute http or https URL, or None for any other text."""
    if _FORBIDDEN.search(text):
        return None
    match = _URL.fullmatch(text)
    if match is None:
        return None
    scheme = match["scheme"].lower()
    host = _host(match["host"].lower())
    port = DEFAULT_PORTS[scheme] if match["port"] is None else int(match["port"])
    if host is None or port > 65_535:
        return None
    return Url(scheme, host, port, match["rest"])


def safe(address: object) -> str:
    """Return the address if it is allowed in a link, else "".

    The embed has a function of the same name that is less strict.
    """
    return address if isinstance(address, str) and split(address) is not None else ""


def joined(base: str, address: str) -> str:
    """Return the absolute form of an address on a page at `base`, or "" if none can be made: `//[x` has no host."""
    try:
        return urljoin(base, address.strip())
    except ValueError:
        return ""


def file_name(address: str) -> str:
    """Return what follows the last slash of an address's path. Any text is an address here."""
    return address.partition("#")[0].partition("?")[0].rpartition("/")[2]


def _host(text: str) -> str | None:
    if text.startswith("["):
        try:
            return f"[{IPv6Address(text[1:-1]).compressed}]"
        except AddressValueError:
            return None
    if len(text) > 253:
        return None
    if not text.isascii():
        if "" in text.removesuffix(".").split("."):
            return None
        return None if _NOT_IN_HOST.search(unicodedata.normalize("NFKC", text)) else text
    if _LABELS.fullmatch(text) is None:
        return None
    # Browsers parse a host whose last label is a number, in any notation, as an IPv4 address.
    if _NUMBER.fullmatch(text.removesuffix(".").rpartition(".")[2]):
        try:
            return str(IPv4Address(text))
        except AddressValueError:
            return None
    return text
