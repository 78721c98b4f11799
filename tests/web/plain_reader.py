"""A reader without JavaScript: fills in the form of a page and presses its buttons."""

from html.parser import HTMLParser

import httpx


class Page(HTMLParser):
    """The parts of a page that a browser would use."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.fields: dict[str, str] = {}
        self.hidden: set[str] = set()
        self.buttons: dict[str, dict[str, str | None]] = {}
        """Attributes by the value of `do`."""
        self.addresses: list[str] = []
        self._textarea: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        self.addresses += [
            about[name] or "" for name in ("href", "src", "action", "formaction") if name in about
        ]
        name = about.get("name") or ""
        if tag == "input":
            self.fields[name] = about.get("value") or ""
            self.hidden |= {name} if about.get("type") == "hidden" else set()
        elif tag == "textarea":
            self.fields[name], self._textarea = "", name
        elif tag == "button":
            self.buttons[about.get("value") or ""] = about

    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            self.fields[self._textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._textarea is not None:
            # A parser drops the line break after the tag.
            self.fields[self._textarea] = self.fields[self._textarea].removeprefix("\n")
            self._textarea = None


class PlainReader:
    """Opens `/s/CODE/write` and goes on from there."""

    def __init__(self, http: httpx.Client, code: str, query: str = "", **headers: str) -> None:
        self.http, self.path = http, f"/s/{code}/write"
        self.headers = {"Accept": "text/html", "Origin": str(http.base_url), **headers}
        self.answer = http.get(self.path + query, headers={"Accept": "text/html", **headers})
        self.page = Page(self.answer.text)
        self.sent: dict[str, str] = {}

    @property
    def html(self) -> str:
        """The page that is shown."""
        return self.answer.text

    def press(self, do: str, **typed: str) -> httpx.Response:
        """Type, and press a button that the page has; show the answer."""
        assert do in self.page.buttons, (do, list(self.page.buttons))
        unknown = set(typed) - set(self.page.fields)
        assert not unknown, unknown
        return self.send({**self.page.fields, **typed, "do": do})

    def again(self) -> httpx.Response:
        """Send the last form once more, as a reload does."""
        return self.send(self.sent)

    def send(self, fields: dict[str, str]) -> httpx.Response:
        """Send these fields."""
        self.sent = fields
        parts = {name: (None, value.replace("\n", "\r\n")) for name, value in fields.items()}
        self.answer = self.http.post(self.path, files=parts, headers=self.headers)
        self.page = Page(self.answer.text)
        return self.answer
