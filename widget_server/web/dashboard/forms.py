"""The fields of a form of the dashboard: `application/x-www-form-urlencoded`, or with a file multipart."""

from collections.abc import Sequence
from urllib.parse import parse_qsl

from starlette.requests import Request

from widget_server.content.imported_list import decode_list
from widget_server.model.errors import MalformedError
from widget_server.transport import admission
from widget_server.web.pages.form_data import parse_fields

MAX_FORM_BYTES = 256 * 1024
MAX_LIST_FORM_BYTES = 4 * 1024 * 1024 - 4096
"""A form with a list of words, of a person who is signed in."""
MAX_FIELDS = 400
_TYPE = "application/x-www-form-urlencoded"
_WITH_FILES = "multipart/form-data"
# They are neither kept in a page nor sent again.
_SECRET_FIELDS = frozenset({"password", "new_password", "again_password", "again_passkey", "code"})


class Form:
    """The fields of a form, in order. A field may come several times."""

    def __init__(self, fields: Sequence[tuple[str, str]] = ()) -> None:
        self.fields = list(fields)

    def __contains__(self, name: str) -> bool:
        return any(name == key for key, _ in self.fields)

    def get(self, name: str, default: str = "") -> str:
        """Return a field's text without outer spaces; of several with one name, the last."""
        return self.raw(name, default).strip()

    def raw(self, name: str, default: str = "") -> str:
        """Return a field's text as it was typed, such as a password."""
        return next((value for key, value in reversed(self.fields) if key == name), default)

    def all(self, name: str) -> list[str]:
        """Return the texts of all fields with this name, such as ticked boxes."""
        return [value for key, value in self.fields if key == name]

    def kept(self) -> list[tuple[str, str]]:
        """Return the fields that may be sent again: all but passwords and codes."""
        return [(name, value) for name, value in self.fields if name not in _SECRET_FIELDS]


async def read_form(request: Request, *, lists: bool) -> Form:
    """Return the fields of the request's body; with `lists` it may be large, and may have files.

    A file's content is a field like the others. Raises `MalformedError`, `TooLargeError`.
    """
    sent = request.headers.get("content-type", "")
    kind = sent.partition(";")[0].strip().lower()
    if kind != _TYPE and not (lists and kind == _WITH_FILES):
        raise MalformedError("Send the form of the page.")
    body = await admission.read_body(request, MAX_LIST_FORM_BYTES if lists else MAX_FORM_BYTES)
    if kind == _WITH_FILES:
        fields = [(name, decode_list(value)) for name, value in parse_fields(sent, body)]
        return Form([(name, _clean(value)) for name, value in fields])
    try:
        fields = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
        )
    except ValueError:
        raise MalformedError("The form is damaged. Open the page again.") from None
    return Form([(name, _clean(value)) for name, value in fields])


def _clean(text: str) -> str:
    # Browsers send every line break of a text as CRLF.
    return text.replace("\r\n", "\n").replace("\0", "")
