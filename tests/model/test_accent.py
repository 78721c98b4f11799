"""The accent of a site: seen on light and dark pages, with readable text on it."""

import colorsys

import pytest
from hypothesis import given, settings, strategies as st

from widget_server.model import accent

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize("colour", ["#0c8577", "#1d9bf0", "#808080"])
def test_these_accents_are_readable(colour: str) -> None:
    assert accent.is_readable(colour)


@pytest.mark.parametrize(
    ("colour", "why"),
    [
        ("#ffffff", "cannot be seen on white"),
        ("#ffff00", "cannot be seen on white"),
        ("#000000", "cannot be seen on black"),
        ("#4a46c2", "cannot be seen on black"),
    ],
)
def test_these_accents_are_not(colour: str, why: str) -> None:
    assert not accent.is_readable(colour), why


@settings(max_examples=30)
@given(COLOURS)
def test_the_colour_that_is_proposed_is_readable_and_close(colour: str) -> None:
    proposed = accent.nearest_readable(colour)
    assert accent.normalise(proposed) == proposed
    assert accent.is_readable(proposed)


@settings(max_examples=30)
@given(st.floats(0, 1))
def test_the_proposed_colour_has_the_same_hue(hue: float) -> None:
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.8, 0.4)
    colour = "#" + "".join(f"{round(value * 255):02x}" for value in (red, green, blue))
    proposed = accent.nearest_readable(colour)
    values = [int(proposed[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    found = colorsys.rgb_to_hsv(*values)[0]
    assert min(abs(found - hue), 1 - abs(found - hue)) < 0.05


def test_a_short_colour_and_capitals_are_written_out() -> None:
    assert accent.normalise("#0AF") == "#00aaff"
    assert accent.normalise("#0C8577") == "#0c8577"
