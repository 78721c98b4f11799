"""Reduce an SVG drawing to the two paths of a reaction's face. Nothing else of the drawing is kept.

The embed cuts the paths out of two boxes (`clip-path: path()`), so no SVG of a site is ever served.
"""

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from widget_server.model.reactions import Face

MAX_DRAWING = 20_000
"""Characters of a drawing."""
MAX_PATH = 500
"""Bytes of a path in a square of 24."""
MAX_DEPTH = 20
"""Groups in groups of a drawing."""
MAX_NUMBER = 100_000
SQUARE = 24.0
DEFAULT_COLOUR = "#f6c344"
"""Colour of a shape whose fill is not `#rgb` or `#rrggbb`."""

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"
_TOKEN = re.compile(rf"[\s,]*(?:([MmZzLlHhVvCcSsQqTtAa])|({_NUMBER}))")
_FLAG = re.compile(r"[\s,]*([01])")
_COUNTS = {"m": 2, "z": 0, "l": 2, "h": 1, "v": 1, "c": 6, "s": 4, "q": 4, "t": 2, "a": 7}
"""Numbers that each path command takes."""
_ARC_UNSCALED = (2, 3, 4)
"""Positions in an arc that are no lengths: the angle and the two flags."""
_SILENT = {"title", "desc", "metadata", "defs", "namedview"}
"""Elements that draw nothing."""
_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}){1,2}")


def reduce_drawing(svg: str) -> Face:
    """Return shape, features and colour of an SVG drawing in a square.

    Paths of one fill become one path, the first fill is the shape. Raises `ValueError` with a sentence
    that says what to change in the drawing.
    """
    if len(svg) > MAX_DRAWING:
        raise ValueError(f"The drawing has more than {MAX_DRAWING} characters. Simplify it.")
    if re.search(r"<!(?!--)", svg):
        # No document type: entities could grow without bound.
        raise ValueError("The drawing has a DOCTYPE. Save it as plain SVG without one.")
    try:
        root = ElementTree.fromstring(svg)  # noqa: S314 - no entities, see above
    except (ElementTree.ParseError, ValueError):
        raise ValueError("This is no SVG drawing that can be read.") from None
    if _name(root) != "svg":
        raise ValueError("This is no SVG drawing: its outer element must be <svg>.")
    scale = SQUARE / _side(root)
    by_fill: dict[str, list[str]] = {}
    for path, fill in _paths(root, root.get("fill", "#000000")):
        by_fill.setdefault(fill, []).append(normalise(path, scale))
    if not 1 <= len(by_fill) <= 2:
        raise ValueError("Draw with <path> in one or two colours: a shape, and features on it.")
    (colour, shape), *features = ((fill, "".join(parts)) for fill, parts in by_fill.items())
    mark = features[0][1] if features else ""
    if max(len(shape), len(mark)) > MAX_PATH:
        raise ValueError(
            f"A path has {max(len(shape), len(mark))} bytes of at most {MAX_PATH}. Simplify the drawing."
        )
    return shape, mark, _colour(colour)


def normalise(path: str, scale: float = 1.0) -> str:
    """Return a path with all lengths scaled and rounded, written as short as possible.

    Raises `ValueError` unless `path` follows the grammar of SVG paths.
    """
    written: list[str] = []
    for index, (command, numbers) in enumerate(_commands(path)):
        if index == 0 and command == "m":
            # Other paths may stand before it: its start must not be relative to their end.
            written.append(_write("M", numbers[:2], scale))
            written += [_write("l", numbers[2:], scale)] if numbers[2:] else []
        else:
            written.append(_write(command, numbers, scale))
    return "".join(written)


def _commands(path: str) -> Iterator[tuple[str, list[float]]]:
    """Yield each command with its numbers: one or more full sets of them."""
    if not path.strip():
        raise ValueError("A path of the drawing is empty.")
    position, end, first = 0, len(path.rstrip()), True
    while position < end:
        found = _TOKEN.match(path, position)
        if found is None or not found[1] or (first and found[1] not in "Mm"):
            raise ValueError("A path of the drawing does not follow the grammar of SVG paths.")
        command, position, first = found[1], found.end(), False
        count = _COUNTS[command.lower()]
        numbers: list[float] = []
        while position < end:
            is_flag = command in "Aa" and len(numbers) % 7 in {3, 4}
            found = (_FLAG if is_flag else _TOKEN).match(path, position)
            if found is None:
                raise ValueError("A path of the drawing does not follow the grammar of SVG paths.")
            text = found[1] if is_flag else found[2]
            if text is None:
                break
            numbers.append(float(text))
            if abs(numbers[-1]) > MAX_NUMBER:
                raise ValueError("A path of the drawing has a number that is too large.")
            position = found.end()
        if (len(numbers) % count or not numbers) if count else numbers:
            raise ValueError("A path of the drawing has a command without its numbers.")
        yield command, numbers


def _write(command: str, numbers: list[float], scale: float) -> str:
    written = command
    for index, number in enumerate(numbers):
        unscaled = command in "Aa" and index % 7 in _ARC_UNSCALED
        text = _short(number if unscaled else number * scale)
        written += text if not index or text.startswith("-") else " " + text
    return written


def _short(number: float) -> str:
    """Return a number with at most two decimals, without needless zeros."""
    text = f"{number:.2f}".rstrip("0").rstrip(".")
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    if digits == "0":
        return "0"
    return sign + (digits[1:] if digits.startswith("0.") else digits)


def _paths(element: ElementTree.Element, fill: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the data and fill of each path. Raises `ValueError` for what else would be drawn."""
    name = _name(element)
    if name in _SILENT:
        return
    if name not in {"svg" if depth == 0 else "g", "g", "path"} or depth > MAX_DEPTH:
        raise ValueError(f"The drawing has <{name}>. Convert everything to paths first.")
    if element.get("transform") or element.get("style") or element.get("class"):
        raise ValueError(f"Remove transform, style and class from <{name}>: flatten the drawing.")
    fill = element.get("fill", fill).strip()
    if name == "path":
        if fill == "none":
            raise ValueError("A path has no fill. Convert strokes to paths first.")
        yield element.get("d", ""), fill
    for child in element:
        yield from _paths(child, fill, depth + 1)


def _side(root: ElementTree.Element) -> float:
    """Return the length of the drawing's square. Raises `ValueError` if it is none."""
    box = (root.get("viewBox") or "0 0 24 24").replace(",", " ").split()
    try:
        x, y, width, height = (float(number) for number in box)
    except ValueError:
        raise ValueError("The viewBox of the drawing cannot be read.") from None
    if x or y or width != height or not 0 < width <= MAX_NUMBER:
        raise ValueError("Draw in a square whose viewBox begins at 0 0, for instance 0 0 24 24.")
    return width


def _colour(fill: str) -> str:
    if not _HEX.fullmatch(fill):
        return DEFAULT_COLOUR
    digits = fill[1:].lower()
    return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))


def _name(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]
