"""Settings on the command line: read KEY=VALUE, and print them in the same form."""

from collections.abc import Iterable, Mapping
from typing import Any

from widget_server.cli.output import print_json
from widget_server.model.capacity import Capacity
from widget_server.model.errors import OperatorError
from widget_server.model.hours import Timetable
from widget_server.model.hours_values import capacity_text, hours_text
from widget_server.model.reactions import Reaction
from widget_server.model.setting_values import BY_LANGUAGE
from widget_server.model.settings import CallToAction, SiteSettings


def choices_of(words: Iterable[str] | None) -> dict[str, str]:
    """Return the values by key. Raises `OperatorError` for a word that is not KEY=VALUE."""
    pairs: dict[str, str] = {}
    for word in words or ():
        key, equals, value = word.partition("=")
        if not equals:
            raise OperatorError(f"Write KEY=VALUE, not “{word}”.")
        pairs[key] = value
    return pairs


def print_settings(settings: SiteSettings, keys: Iterable[str], *, as_json: bool) -> None:
    """Print the settings with these keys, or all of them, as `KEY=VALUE` lines or as JSON."""
    chosen = list(keys) or [key for key in settings.values() if key != "guidelines_trees"]
    if as_json:
        names = [key.partition(".")[0] for key in chosen]
        stored = [
            BY_LANGUAGE[n] if "." in k and n in BY_LANGUAGE else n
            for k, n in zip(chosen, names, strict=True)
        ]
        print_json(settings.values(list(dict.fromkeys(stored))))
        return
    for key in chosen:
        print(f"{key}={_format(settings, key)}")


def _format(settings: SiteSettings, key: str) -> str:
    name, _, language = key.partition(".")
    if language and name == "reactions":
        offered = settings.offered
        return ",".join(f"{r.key}:{r.labels[language]}" for r in offered if language in r.labels)
    if language and name == "calls_to_action":
        return " | ".join(call.labels.get(language, "") for call in settings.calls_to_action)
    if language:
        return str(getattr(settings, BY_LANGUAGE[name]).get(language, ""))
    return _format_value(getattr(settings, name))


def _format_value(value: Any) -> str:
    if isinstance(value, Timetable):
        return hours_text(value)
    if isinstance(value, Capacity):
        return capacity_text(value)
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Mapping):
        return ",".join(sorted(value))
    if isinstance(value, tuple):
        reactions = [item.key for item in value if isinstance(item, Reaction) and not item.hidden]
        calls = [f"{item.url} {item.label}" for item in value if isinstance(item, CallToAction)]
        texts = [item for item in value if isinstance(item, str)]
        return ",".join(reactions) or " | ".join(calls) or ", ".join(texts)
    return "" if value is None else str(value)
