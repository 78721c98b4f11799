"""Each line of the export for the EU's Transparency Database has the fields and the words that it accepts."""

import itertools
from datetime import date

import orjson
import pytest

from widget_server.model.decisions import REASONS
from widget_server.model.outcomes import REMOVALS
from widget_server.operations.moderation.statements import CATEGORIES, COLUMNS, EEA, statement

AT = 1_790_000_000_000
KINDS = ("account", "shell", "key", "rule", "schedule")
ACCEPTED = {
    "decision_visibility": {
        "",
        "DECISION_VISIBILITY_CONTENT_REMOVED",
        "DECISION_VISIBILITY_CONTENT_DISABLED",
    },
    "decision_account": {"", "DECISION_ACCOUNT_SUSPENDED"},
    "decision_ground": {"DECISION_GROUND_ILLEGAL_CONTENT", "DECISION_GROUND_INCOMPATIBLE_CONTENT"},
    "category": {
        "STATEMENT_CATEGORY_DATA_PROTECTION_AND_PRIVACY_VIOLATIONS",
        "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
        "STATEMENT_CATEGORY_INTELLECTUAL_PROPERTY_INFRINGEMENTS",
        "STATEMENT_CATEGORY_OTHER_VIOLATION_TC",
        "STATEMENT_CATEGORY_VIOLENCE",
    },
    "content_type": {"CONTENT_TYPE_TEXT"},
    "source_type": {"SOURCE_ARTICLE_16", "SOURCE_VOLUNTARY"},
    "automated_detection": {"Yes", "No"},
    "automated_decision": {
        "AUTOMATED_DECISION_FULLY",
        "AUTOMATED_DECISION_PARTIALLY",
        "AUTOMATED_DECISION_NOT_AUTOMATED",
    },
    "territorial_scope": {EEA},
}
"""Values of the database's interface, version of July 2025, that a comment can need."""
LONGEST = {
    "puid": 500,
    "illegal_content_legal_ground": 500,
    "illegal_content_explanation": 2_000,
    "incompatible_content_ground": 500,
    "incompatible_content_explanation": 2_000,
    "decision_facts": 5_000,
}
DATES = (
    "content_date",
    "application_date",
    "end_date_visibility_restriction",
    "end_date_account_restriction",
)


def line(verb: str, reason: str | None, kind: str, lang: str | None = "en") -> dict[str, str]:
    """Return the line of a restriction that was taken back later."""
    after = {"ban": {"until": AT + 5}} if verb == "ban" else {}
    before = {"queues": ["reported"]}
    row = (
        AT,
        "d1",
        verb,
        reason,
        kind,
        orjson.dumps(before).decode(),
        orjson.dumps(after).decode(),
    )
    values = statement((*row, AT - 9, lang, None if verb == "ban" else AT + 7))
    return {name: str(value) for name, value in zip(COLUMNS, values, strict=True)}


@pytest.mark.parametrize("verb", [*REMOVALS, "ban"])
def test_every_restriction_has_what_the_database_demands_and_accepts(verb: str) -> None:
    for reason, kind in itertools.product((None, *REASONS), KINDS):
        found = line(verb, reason, kind)
        for name, accepted in ACCEPTED.items():
            assert found[name] in accepted, (name, reason, kind)
        assert bool(found["decision_visibility"]) != bool(found["decision_account"])
        is_illegal = found["decision_ground"] == "DECISION_GROUND_ILLEGAL_CONTENT"
        for ground, wanted in (("illegal", is_illegal), ("incompatible", not is_illegal)):
            names = [name for name in COLUMNS if name.startswith(f"{ground}_content_")]
            assert len(names) == 2
            assert all(bool(found[name]) == wanted for name in names)
        assert found["decision_facts"]
        assert all(len(found[name]) <= most for name, most in LONGEST.items())
        assert all(date.fromisoformat(found[name]) for name in DATES if found[name])
        is_rule = kind in {"rule", "schedule"}
        assert (found["automated_detection"] == "Yes") == is_rule
        assert (found["automated_decision"] == "AUTOMATED_DECISION_FULLY") == is_rule


def test_every_category_is_about_a_reason_that_there_is() -> None:
    assert set(CATEGORIES) <= set(REASONS)


@pytest.mark.parametrize(
    ("lang", "named"), [("de-AT", "DE"), ("ja", "JA"), ("gsw", ""), (None, ""), ("zh-Hans", "ZH")]
)
def test_a_language_has_two_letters_or_none(lang: str | None, named: str) -> None:
    assert line("remove", "spam", "account", lang)["content_language"] == named
