"""Sealed texts: only a server with the secret reads them, and it reads those of earlier versions."""

import base64

import pytest
from cryptography.fernet import Fernet

from widget_server.store.log_keys import LogKeys

LOGS = {"test": b"l" * 32}
OLD, NEW = b"o" * 32, b"n" * 32
WORDS = {"source": "Grüße 🐟", "text": [["p", None, "Grüße 🐟"]], "name": None, "pinned": False}


def test_sealed_words_are_opened_and_two_seals_of_them_differ() -> None:
    keys = LogKeys(LOGS, [NEW])
    one, two = keys.seal(WORDS), keys.seal(WORDS)
    assert one != two
    assert "Grüße" not in one
    assert keys.unseal(one) == keys.unseal(two) == WORDS


def test_words_sealed_with_an_earlier_secret_are_opened_while_it_is_known() -> None:
    sealed = LogKeys(LOGS, [OLD]).seal(WORDS)
    assert LogKeys(LOGS, [NEW, OLD]).unseal(sealed) == WORDS
    assert LogKeys(LOGS, [NEW]).unseal(sealed) is None


def test_words_that_an_earlier_version_sealed_are_opened() -> None:
    earlier = Fernet(base64.urlsafe_b64encode(OLD)).encrypt(b'{"source":"a"}').decode()
    assert LogKeys(LOGS, [NEW, OLD]).unseal(earlier) == {"source": "a"}
    assert LogKeys(LOGS, [NEW]).unseal(earlier) is None


def test_a_sealed_text_of_which_any_character_changed_is_not_opened() -> None:
    keys = LogKeys(LOGS, [NEW, OLD])
    sealed = keys.seal({"source": "a"})
    for place in range(len(sealed) - 2):  # the last two may be filling
        for other in "Aé.":
            if sealed[place] != other:
                changed = sealed[:place] + other + sealed[place + 1 :]
                assert keys.unseal(changed) is None, changed


@pytest.mark.parametrize("damaged", ["", ".", "..", "gAAAA", ".AAAA", "\0", "é" * 200, "." * 400])
def test_damaged_text_is_not_opened(damaged: str) -> None:
    assert LogKeys(LOGS, [NEW]).unseal(damaged) is None
