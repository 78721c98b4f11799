"""Check of a site's accent colour: readable on light and on dark pages.

The server does not know the page, so the embed mixes the site's accent with the page's text colour
(66 % in Oklab) and puts black or white on it, by its lightness. Both are checked here on light
and on dark pages, as WCAG 2 measures contrast.
"""

import math
import re

HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
SERVER_PAGES = (("#fdfcfa", "#1f1d1a"), ("#16181a", "#e7e4dd"))
"""Background and text colour of this server's own pages, light and dark (`page.css`)."""
PAGES = (("#ffffff", "#1d1a16"), ("#15181b", "#e7e4dd"), *SERVER_PAGES)
"""Background and text colour of light and dark pages."""
SHARE = 0.66
"""Share of the accent in the mixture with the text colour (`js/src/style.css`)."""
LIGHT = 0.66
"""Lightness in OKLCH from which the text on the accent is black (`js/src/parts/live/style.css`)."""
MIN_PAGE_CONTRAST = 3.0
MIN_TEXT_CONTRAST = 4.5
STEPS = 400
"""Lightnesses tried in the search for the nearest accent."""

Colour = tuple[float, float, float]


def normalise(text: str) -> str:
    """Return `#abc` or `#AABBCC` as `#aabbcc`. Raises `ValueError` for anything else."""
    if not HEX.fullmatch(text):
        raise ValueError("use a colour like #0c8577, or an empty value for the default.")
    digits = text[1:].lower()
    return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))


def is_readable(colour: str) -> bool:
    """Whether this accent is seen on all pages, and black or white can be read on it."""
    return all(_passes(_to_oklab(_to_linear(colour)), page, ink) for page, ink in PAGES)


def nearest_readable(colour: str) -> str:
    """Return the accent of the same hue, as near in lightness as possible, that is readable."""
    lightness, a, b = _to_oklab(_to_linear(colour))
    by_distance = sorted(range(STEPS + 1), key=lambda step: abs(step / STEPS - lightness))
    for step in by_distance:
        # Less chroma where a colour of this lightness cannot have as much.
        for part in (1.0, 0.8, 0.6, 0.4, 0.2, 0.0):
            linear = _to_rgb((step / STEPS, a * part, b * part))
            if all(-0.001 <= value <= 1.001 for value in linear):
                found = _to_hex(linear)
                if is_readable(found):
                    return found
                break
    raise AssertionError("Some grey is always readable.")


def text_on(colour: str, ink: str) -> str:
    """Return black or white: the text on this accent, where the page's text has the colour `ink`."""
    return "#000" if _mix(_to_oklab(_to_linear(colour)), ink)[0] > LIGHT else "#fff"


def _mix(accent: Colour, ink: str) -> Colour:
    text = _to_oklab(_to_linear(ink))
    lightness, a, b = (SHARE * x + (1 - SHARE) * y for x, y in zip(accent, text, strict=True))
    return lightness, a, b


def _passes(accent: Colour, page: str, ink: str) -> bool:
    mixed = _mix(accent, ink)
    shown = _luminance(_to_rgb(mixed))
    on_accent = 0.0 if mixed[0] > LIGHT else 1.0
    background = _luminance(_to_linear(page))
    return (
        _contrast(shown, background) >= MIN_PAGE_CONTRAST
        and _contrast(shown, on_accent) >= MIN_TEXT_CONTRAST
    )


def _contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def _luminance(linear: Colour) -> float:
    red, green, blue = (min(1.0, max(0.0, value)) for value in linear)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _to_linear(colour: str) -> Colour:
    values = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values
    )
    return red, green, blue


def _to_hex(linear: Colour) -> str:
    values = (min(1.0, max(0.0, value)) for value in linear)
    coded = (
        value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
        for value in values
    )
    return "#" + "".join(f"{round(value * 255):02x}" for value in coded)


def _to_oklab(linear: Colour) -> Colour:
    """Convert as in CSS Color 4."""
    red, green, blue = linear
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _to_rgb(lab: Colour) -> Colour:
    lightness, a, b = lab
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
