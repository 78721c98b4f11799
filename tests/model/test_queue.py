"""The order of cards: after three harsh ones comes a mild one, and nothing is lost or added."""

from hypothesis import given, strategies as st

from widget_server.model.decisions import Case
from widget_server.model.queue import MAX_HARSH_IN_A_ROW, Card, Context, is_harsh, mixed
from widget_server.model.records import Comment, CommentState, Tally


def card(number: int, *, harsh: bool) -> Card:
    """Return a card whose case has this number."""
    comment = Comment(
        f"c{number}", None, f"c{number}", 0, 0, CommentState.PENDING, "x", ["x"], None, None, None,
        None, "r", None, None, number, None, False, Tally(0, {}),
    )  # fmt: skip
    reasons = ("threat",) if harsh else ("spam",)
    return Card(Case(number, "reported", "s", comment, reasons, 3, number, 1), Context())


@given(st.lists(st.booleans(), max_size=40), st.integers(0, 9))
def test_never_more_than_three_harsh_cards_come_in_a_row_while_a_mild_one_waits(
    kinds: list[bool], before: int
) -> None:
    cards = [card(number, harsh=harsh) for number, harsh in enumerate(kinds)]
    order = mixed(cards, before)
    assert sorted(one.case.id for one in order) == [one.case.id for one in cards]
    row = before
    for place, one in enumerate(order):
        row = row + 1 if is_harsh(one.case) else 0
        milder = [later for later in order[place:] if not is_harsh(later.case)]
        assert row <= max(MAX_HARSH_IN_A_ROW, before if not place else 0) or not milder
    for harsh in (True, False):
        kept = [one.case.id for one in order if is_harsh(one.case) is harsh]
        assert kept == sorted(kept), "each kind keeps its order"


def test_cards_stay_in_order_while_they_are_mixed_by_themselves() -> None:
    cards = [card(number, harsh=number % 2 == 0) for number in range(9)]
    assert mixed(cards) == cards
