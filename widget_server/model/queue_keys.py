"""The keys of the queue: what each does, and what a person changed.

A key is named by its place on the keyboard, as browsers name it in `event.code`: the same key works in every
alphabet.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_KEYS: dict[str, str] = {
    "next": "KeyJ",
    "back": "KeyK",
    "approve": "KeyA",
    "remove": "KeyD",
    "hold": "KeyH",
    "spam": "KeyS",
    "pin": "KeyP",
    "tag": "KeyT",
    "ban": "KeyB",
    "mute": "KeyM",
    "note": "KeyN",
    "correct": "KeyC",
    "undo": "KeyZ",
    "hand_over": "KeyO",
    "words": "KeyV",
    "story": "KeyW",
    "select": "KeyX",
    "list": "KeyL",
    "go": "KeyG",
    "search": "Slash",
    "more": "Period",
}
"""What can be done by key, and the usual key of each. Figures are always the reasons, and ? the help."""
_ACTIONS = {code: action for action, code in DEFAULT_KEYS.items()}
KEY_CODE = re.compile(r"Key[A-Z]|Period|Comma|Slash|Semicolon|Quote|Minus|Equal|Backquote")
_SIGNS = {
    "Period": ".",
    "Comma": ",",
    "Slash": "/",
    "Semicolon": ";",
    "Quote": "'",
    "Minus": "-",
    "Equal": "=",
    "Backquote": "`",
}
OFFERED = (*(f"Key{chr(letter)}" for letter in range(ord("A"), ord("Z") + 1)), *_SIGNS)
"""The keys that a person can choose."""


@dataclass(frozen=True, slots=True)
class QueueKeys:
    """The keys of one person. `changed` has the actions with another key than the usual one."""

    on: bool = True
    changed: Mapping[str, str] = field(default_factory=dict)

    def code(self, action: str) -> str:
        """Return the key of an action."""
        return self.changed.get(action, DEFAULT_KEYS[action])

    def label(self, usual: str) -> str:
        """Return the sign on the key that does what the key `usual` does if nothing was changed."""
        action = _ACTIONS.get(usual)
        return sign_of(usual if action is None else self.code(action))

    def moved(self) -> dict[str, str]:
        """Return the usual key by the changed one, for the script of the pages."""
        return {code: DEFAULT_KEYS[action] for action, code in self.changed.items()}

    def stored(self) -> str | None:
        """Return the text of the column, or None if all is as usual."""
        if self == QueueKeys():
            return None
        return json.dumps({"on": self.on, "keys": dict(self.changed)})


def sign_of(code: str) -> str:
    """Return what stands on a key, on a keyboard with Latin letters."""
    return _SIGNS.get(code) or code.removeprefix("Key").removeprefix("Digit").lower()


def keys_of(stored: str | None) -> QueueKeys:
    """Return the keys in a column. What is damaged, or of another version, is as usual.

    An action that came with a later version has the first free key if a person gave its usual one away.
    """
    try:
        found: Any = json.loads(stored or "{}")
        changed = {
            name: code
            for name, code in found.get("keys", {}).items()
            if name in DEFAULT_KEYS and KEY_CODE.fullmatch(code) and code != DEFAULT_KEYS[name]
        }
        keys = _with_free_keys(QueueKeys(found.get("on", True) is True, changed))
    except (ValueError, TypeError, AttributeError):
        return QueueKeys()
    return keys if same_key(keys) is None else QueueKeys(keys.on)


def _with_free_keys(keys: QueueKeys) -> QueueKeys:
    chosen = set(keys.changed.values())
    taken = chosen | {keys.code(action) for action in DEFAULT_KEYS}
    free = (code for code in OFFERED if code not in taken)
    moved = {
        action: next(free)
        for action, code in DEFAULT_KEYS.items()
        if code in chosen and action not in keys.changed
    }
    return QueueKeys(keys.on, {**keys.changed, **moved})


def same_key(keys: QueueKeys) -> tuple[str, str] | None:
    """Return two actions that have the same key, or None."""
    by_code: dict[str, str] = {}
    for action in DEFAULT_KEYS:
        code = keys.code(action)
        if code in by_code:
            return by_code[code], action
        by_code[code] = action
    return None
