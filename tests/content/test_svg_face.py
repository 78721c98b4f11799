"""Reduction of a drawing to the two paths of a face."""

import random

import pytest

from widget_server.content.svg_face import normalise, reduce_drawing
from widget_server.model.reactions import check_face


def drawing(inner: str, attributes: str = 'viewBox="0 0 24 24"') -> str:
    """Return an SVG document."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{inner}</svg>'


def test_paths_of_one_colour_become_one_path_and_the_rest_is_dropped() -> None:
    face = reduce_drawing(
        drawing(
            '<title>Angry</title><!-- note --><path id="a" fill="#FC0" d="M2,2 h20 v20 H2 Z"/>'
            '<g fill="#000"><path d="M8 8h2v2z"/><path d="m14,8 2,0 0,2z" onclick="x()"/></g>'
        )
    )
    assert face == ("M2 2h20v20H2Z", "M8 8h2v2zM14 8l2 0 0 2z", "#ffcc00")
    check_face(face)


def test_a_drawing_of_another_size_is_scaled_to_the_square_of_24() -> None:
    svg = drawing('<path d="M24 3a21 21 30 01.02 0z"/>', 'viewBox="0 0 48 48"')
    assert reduce_drawing(svg)[0] == "M12 1.5a10.5 10.5 30 0 1 .01 0z"


def test_the_colour_of_a_named_fill_is_the_default_one() -> None:
    assert reduce_drawing(drawing('<path fill="gold" d="M0 0h9z"/>'))[2] == "#f6c344"


@pytest.mark.parametrize(
    ("svg", "sentence"),
    [
        (drawing('<circle r="9"/>'), "<circle>"),
        (drawing('<script>x()</script><path d="M0 0h1"/>'), "<script>"),
        (drawing('<foreignObject/><path d="M0 0h1"/>'), "<foreignObject>"),
        (drawing('<image href="https://x.example/a.png"/>'), "<image>"),
        (drawing('<use href="#a"/>'), "<use>"),
        (drawing('<g transform="scale(2)"><path d="M0 0h1"/></g>'), "transform"),
        (drawing('<path style="fill:url(https://x.example)" d="M0 0h1"/>'), "style"),
        (drawing('<path fill="none" stroke="#000" d="M0 0h1"/>'), "no fill"),
        (drawing(""), "one or two colours"),
        (drawing("".join(f'<path fill="{c}" d="M0 0h1"/>' for c in ("#1", "#2", "#3"))), "colours"),
        (drawing('<path d="M0 0h1"/>', 'viewBox="0 0 24 12"'), "square"),
        (drawing('<path d="M0 0h1"/>', 'viewBox="0 0 nan nan"'), "square"),
        (drawing('<path d="M0 0h1"/>', 'viewBox="a"'), "viewBox"),
        (drawing(f'<path d="M0 0{"l1.11 2.22" * 60}"/>'), "bytes"),
        (drawing("<g>" * 40 + '<path d="M0 0h1"/>' + "</g>" * 40), "<g>"),
        (drawing("<svg/>"), "<svg>"),
        ('<!DOCTYPE svg [<!ENTITY a "b">]>' + drawing("&a;"), "DOCTYPE"),
        ("<html/>", "<svg>"),
        ("not a drawing", "no SVG"),
        (drawing(" " * 20_001), "20000"),
    ],
)
def test_what_is_not_two_filled_paths_is_rejected_with_what_to_do(svg: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        reduce_drawing(svg)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "L0 0",
        "M0",
        "M",
        "M0 0L1",
        "M0 0z1",
        "M0 0a1 1 0 2 0 1 1",
        "M0 0x",
        "M0 0;",
        "M1e999 0",
        "M0 0)",
        'M0 0"',
        "0 0",
        "M0 0 nan",
        "M0 0h1e9",
        "M0 0a1 1 0 0",
    ],
)
def test_a_path_outside_the_grammar_is_rejected(path: str) -> None:
    with pytest.raises(ValueError, match="path of the drawing"):
        normalise(path)


def test_whatever_is_accepted_is_only_commands_and_numbers() -> None:
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    accepted = 0
    pieces = [
        "l",
        "a",
        "z",
        "C",
        "h",
        "1",
        "0",
        "-2",
        ".5",
        "1e1",
        ",",
        " ",
        " ",
        "-",
        ")",
        '"',
        ";",
    ]
    for _ in range(20_000):
        path = "M0 0" + "".join(rng.choices(pieces, k=6))
        try:
            written = normalise(path)
        except ValueError:
            continue
        accepted += 1
        assert set(written) <= set("MmLlHhVvCcSsQqTtAaZz0123456789.- "), (seed, path)
        assert normalise(written) == written, (seed, path)
    assert accepted > 100, seed
