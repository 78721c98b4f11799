"""Challenges in the format of ALTCHA: its own library solves and checks them; wrong proofs are refused."""

import base64
import json
from typing import Any

import pytest
from altcha.v1 import solve_challenge, verify_solution

from widget_server.auth.proofs import LIFETIME_S, NUMBERS, ProofIssuer, proof_key

SECRET = "a secret of the proofs that is long enough"
OLDER = "an older secret that is long enough"
STORY = "0a1b2C3d4E5f"
NOW = 1_764_000_000.0


def easy(*secrets: str) -> ProofIssuer:
    """Return an issuer whose number is the first one."""
    return ProofIssuer(secrets or (SECRET,), lambda numbers: numbers[0])


def proof_of(made: dict[str, Any], number: Any = NUMBERS[0], **changes: Any) -> str:
    sent = {**made, "number": number, **changes}
    return base64.b64encode(json.dumps(sent).encode()).decode()


def test_the_library_of_altcha_accepts_our_challenges_and_we_its_solutions() -> None:
    issuer = ProofIssuer([SECRET])
    challenge = issuer.challenge(STORY, NOW)
    solution = solve_challenge(
        challenge["challenge"], challenge["salt"], "SHA-256", challenge["maxnumber"], 0
    )
    assert solution is not None
    assert solution.number in NUMBERS
    proof = proof_of(challenge, solution.number)
    assert verify_solution(proof, proof_key(SECRET, STORY), check_expires=False)[0]
    assert issuer.check(proof, STORY, NOW) == challenge["challenge"]


def test_a_proof_is_valid_for_its_story_until_its_end() -> None:
    issuer = easy()
    challenge = issuer.challenge(STORY, NOW)
    proof = proof_of(challenge)
    assert issuer.check(proof, STORY, NOW + LIFETIME_S - 1) == challenge["challenge"]
    assert issuer.check(proof, STORY, NOW + LIFETIME_S) is None
    assert issuer.check(proof, "another00000", NOW) is None
    assert easy(OLDER).check(proof, STORY, NOW) is None
    assert easy(OLDER, SECRET).check(proof, STORY, NOW) == challenge["challenge"]


def later(salt: str) -> str:
    return salt.replace("expires=1", "expires=9")


@pytest.mark.parametrize(
    "changes",
    [
        {"number": NUMBERS[1]},
        {"number": str(NUMBERS[0])},
        {"number": None},
        {"number": True},
        {"number": float(NUMBERS[0])},
        {"algorithm": "SHA-1"},
        {"algorithm": None},
        {"challenge": "0" * 64},
        {"challenge": 7},
        {"signature": "0" * 64},
        {"signature": "é"},
        {"salt": None},
        {"salt": "abc"},
    ],
    ids=str,
)
def test_a_changed_proof_is_refused(changes: dict[str, Any]) -> None:
    issuer = easy()
    assert issuer.check(proof_of(issuer.challenge(STORY, NOW), **changes), STORY, NOW) is None


def test_digits_cannot_move_between_the_salt_and_the_number() -> None:
    issuer = easy()
    challenge = issuer.challenge(STORY, NOW)
    number = str(NUMBERS[0])
    moved = proof_of(challenge, int(number[1:]), salt=challenge["salt"] + number[0])
    assert issuer.check(moved, STORY, NOW) is None
    extended = proof_of(challenge, salt=later(challenge["salt"]))
    assert issuer.check(extended, STORY, NOW + LIFETIME_S) is None


@pytest.mark.parametrize("text", ["", "-", "é", "bnVsbA==", "W10=", "e30=", "eyJu", "A" * 1000])
def test_anything_else_is_refused(text: str) -> None:
    assert easy().check(text, STORY, NOW) is None
