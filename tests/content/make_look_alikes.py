"""Write `widget_server/content/look_alikes.txt`: `pip install confusable-homoglyphs==3.3.1`, then run this file.

A line is a sign and the ASCII letter or digit that it resembles. Scripts whose letters stand in everyday
words and resemble ASCII only by their simplicity (Arabic, Hebrew, Indic, Han) are left out.
"""

import json
import unicodedata
from importlib import metadata, resources
from pathlib import Path

FILE = Path(__file__).parents[2] / "widget_server/content/look_alikes.txt"
SCRIPTS = frozenset(
    [
        "LATIN",
        "CYRILLIC",
        "GREEK",
        "CHEROKEE",
        "LISU",
        "COPTIC",
        "ARMENIAN",
        "WARANG",
        "OLD",
        "CARIAN",
        "LYCIAN",
        "ELBASAN",
        "DESERET",
        "OSAGE",
        "TIFINAGH",
        "RUNIC",
        "CANADIAN",
        "MIAO",
        "GEORGIAN",
    ]
)
SMALL_CAPITALS = dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnopqrstuvwyz", strict=True))
TURNED = dict(zip("ɐǝɟɥıɾʞɯɹʇʌʍʎ", "aefhijkmrtvwy", strict=True))
OTHER = {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ƀ": "b", "ɨ": "i", "к": "k", "в": "b",
         "н": "h", "м": "m", "т": "t", "ɡ": "g", "α": "a", "ε": "e", "κ": "k", "τ": "t", "η": "n",
         "є": "e", "ω": "w"}  # fmt: skip


def enclosed() -> dict[str, str]:
    """Return letters in black circles and squares, and the letters of flags."""
    firsts = (0x1F150, 0x1F170, 0x1F1E6)
    return {chr(first + n): chr(ord("a") + n) for first in firsts for n in range(26)}


def drawn() -> dict[str, str]:
    """Return the pairs of the package that NFKD and case folding leave apart, in lower case."""
    data = resources.files("confusable_homoglyphs") / "confusables.json"
    found: dict[str, str] = {}
    capitals: dict[str, str] = {}
    for sign, others in json.loads(data.read_text("utf-8")).items():
        if len(sign) != 1 or sign.isascii() or unicodedata.name(sign, "").split()[0:1] == []:
            continue
        if unicodedata.name(sign).split()[0] not in SCRIPTS:
            continue
        ascii_ones = [other["c"].lower() for other in others if other["c"].isascii()]
        ascii_ones = [one for one in ascii_ones if len(one) == 1 and one.isalnum()]
        if not ascii_ones or not unicodedata.is_normalized("NFKD", sign):
            continue
        small = sign.casefold()
        (found if small == sign else capitals)[small] = ascii_ones[0]
    # A sign folds alike in both cases: the small form's look-alike, else the capital's.
    return {**capitals, **found}


def main() -> None:
    """Write the file."""
    pairs = {**drawn(), **OTHER, **TURNED, **SMALL_CAPITALS, **enclosed()}
    version = metadata.version("confusable-homoglyphs")
    lines = [
        f"# Look-alikes of ASCII letters and digits, drawn from confusable-homoglyphs {version}",
        "# (MIT, licence at the end), which contains confusables.txt of the Unicode Consortium",
        "# (Unicode License V3). Written by tests/content/make_look_alikes.py.",
    ]
    lines += [f"{sign} {letter}" for sign, letter in sorted(pairs.items())]
    licence = metadata.distribution("confusable-homoglyphs").read_text("LICENSE") or ""
    lines += [f"# {line}".rstrip() for line in licence.splitlines()]
    FILE.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
