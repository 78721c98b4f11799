"""What a preview of the widget shows: settings that are not saved, and rights."""

from collections.abc import Sequence
from urllib.parse import quote

import orjson

from widget_server.model.settings import SiteSettings
from widget_server.protocol import serializers


def fragment(settings: SiteSettings | None = None, can: Sequence[str] | None = None) -> str:
    """Return the end of a preview's address, from `#` on. `templates/iframe/preview.js` reads it.

    Browsers do not send it to the server.
    """
    shown: dict[str, object] = {}
    if settings is not None:
        shown["settings"] = serializers.settings(settings)
    if can is not None:
        shown["can"] = can
    return "#" + quote(orjson.dumps(shown), safe="")
