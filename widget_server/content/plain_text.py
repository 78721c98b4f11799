"""Return a comment's tree as plain text."""

_BLOCKS = frozenset(["p", "pre", "blockquote", "ul", "ol", "li"])
_DEPTH_LIMIT = 64
"""Deeper than any valid text. Deeper nodes of a damaged row are omitted."""


def plain_text(nodes: object) -> str:
    """Return the text of the nodes, with an empty line between blocks.

    Any input is valid, because a damaged row can hold any JSON.
    """
    pieces: list[str] = []
    _add(nodes, pieces, _DEPTH_LIMIT)
    lines = [line.rstrip() for line in "".join(pieces).strip().split("\n")]
    return "\n".join(line for n, line in enumerate(lines) if line or lines[n - 1])


def _add(nodes: object, pieces: list[str], depth: int) -> None:
    if not isinstance(nodes, list) or not depth:
        return
    for node in nodes:
        if isinstance(node, str):
            pieces.append(node)
        elif isinstance(node, list) and node:
            if node[0] == "br":
                pieces.append("\n")
                continue
            is_block = node[0] in _BLOCKS if isinstance(node[0], str) else False
            if is_block and pieces:
                pieces.append("\n" if node[0] == "li" else "\n\n")
            _add(node[2:], pieces, depth - 1)
            if is_block:
                pieces.append("\n\n")
