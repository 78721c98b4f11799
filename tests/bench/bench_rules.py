"""Row `rules`: a list of 10,000 entries on typical and on hostile texts, and a rule on the past.

Run with `python -m tests.bench.bench_rules`. Times are of CPU, in microseconds.
"""

import random
import statistics
import time

from tests.bench.results import Goal, Result
from widget_server.content.rules import Context, PastComment, Rule, try_on_past
from widget_server.content.word_list import WordList

SEED = 16
ENTRIES = 10_000
COMMENTS = 10_000
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def hostile(rng: random.Random) -> dict[str, str]:
    """Return texts of 5,000 characters that cost much."""
    codes = (*range(128, 0xD800), *range(0xE000, 0x32000))
    texts = {
        "U+FDFA": "\ufdfa", "any signs": "".join(chr(rng.choice(codes)) for _ in range(5_000)),
        "letters": "a", "spaced": "a ", "dotted": "a.", "digits": "1a", "odd words": "a4! ",
        "repeated": "aaa ", "other script": "\u0430a ", "pictures": "🖕", "sharp s": "ß",
        "distinct": " ".join(f"a{n}b.c" for n in range(900)),
    }  # fmt: skip
    return {name: (text * 5_000)[:5_000] for name, text in texts.items()}


def seconds(words: WordList, text: str, times: int) -> float:
    """Return the least CPU time of a search."""
    found = []
    for _ in range(times):
        begun = time.process_time()
        words.search(text)
        found.append(time.process_time() - begun)
    return min(found)


def row() -> Result:
    """Measure the row."""
    rng, result = random.Random(SEED), Result("Rules: 10,000 entries", "µs")
    spelled: set[str] = set()
    while len(spelled) < ENTRIES:
        spelled.add("".join(rng.choices(LETTERS, k=rng.randint(5, 12))))
    words = WordList(sorted(spelled), leet=True)
    usual = ["".join(rng.choices(LETTERS, k=rng.randint(2, 9))) for _ in range(3_000)]

    def comment() -> str:
        text = " ".join(rng.choices(usual, k=rng.randint(20, 130)))
        return text.replace(" ", ", ", 3).capitalize() + f". It's {rng.randint(1, 99)} o'clock!"

    past = [PastComment(str(n), comment(), Context("s"), "approved") for n in range(COMMENTS)]
    typical = [1e6 * seconds(words, one.text, 3) for one in past[:500]]
    result.samples["typical"] = typical
    result.goals.append(Goal("typical", [statistics.median(typical)], 50, False, "µs"))
    worst = {name: 1e6 * seconds(words, text, 5) for name, text in hostile(rng).items()}
    for name, figure in worst.items():
        result.samples[f"5,000 characters, {name}"] = [figure]
    result.goals.append(Goal("worst of any text", [max(worst.values())], 2_000, False, "µs"))
    begun = time.process_time()
    try_on_past(Rule("1", "words", words=words), past)
    spent = time.process_time() - begun
    result.goals.append(Goal("tried on 10,000 comments", [spent], 1, False, "s"))
    return result


if __name__ == "__main__":
    for goal in (measured := row()).goals:
        print(f"{goal.says}: {goal.median:.3g} {goal.unit} (goal {goal.asks}, {goal.verdict})")  # noqa: T201
    for name, values in measured.samples.items():
        print(f"{name}: {statistics.median(values):.0f} µs")  # noqa: T201
