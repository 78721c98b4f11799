"""`rule` and `learner`: for people and as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Run, sentence


def as_json(run: Run, *words: str) -> Any:
    done = run(*words, "--json")
    assert done.status == 0, done
    return json.loads(done.out)


def test_a_rule_is_added_listed_changed_turned_on_and_removed(
    run: Run, site: str, tmp_path: Path
) -> None:
    file = tmp_path / "words.txt"
    file.write_text("casino*\nbuy now\n", "utf-8-sig")
    added = as_json(run, *f"rule add {site} --kind words --words {file} --name Spam".split())
    assert (added["mode"], added["words"]) == ("shadow", ["casino*", "buy now"])
    assert added["trial"]["tried"] == 0
    rule = added["id"]
    [listed] = as_json(run, "rule", "list", site)
    assert listed["hits"] == {"held": 0, "in_shadow": 0, "approved": 0, "removed": 0}
    assert run("rule", "list", site).out.startswith(f"{rule}\tshadow\twords\thold\tSpam\t")
    assert run("rule", "on", site, rule).out.startswith("The rule is on.\n")
    assert as_json(run, "rule", "on", site, rule) == {"id": rule, "mode": "on", "trial": None}
    changed = as_json(run, *f"rule change {site} {rule} --word jackpot --ask".split())
    assert (changed["mode"], changed["ask"]) == ("shadow", True)
    assert changed["words"] == ["casino*", "buy now", "jackpot"]
    assert as_json(run, "rule", "try", site, rule)["caught"] == 0
    assert "There is no comment yet" in run("rule", "try", site, rule).out
    assert as_json(run, "rule", "hits", site, rule) == []
    assert as_json(run, "rule", "off", site, rule)["mode"] == "off"
    assert as_json(run, "rule", "shadow", site, rule)["mode"] == "shadow"
    assert run("rule", "remove", site, rule).out == "The rule is removed."
    assert as_json(run, "rule", "list", site) == []


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("rule add SITE", "--kind takes words, links, first, repeat, length."),
        ("rule add SITE --kind words", "Give at least one word or phrase, one a line."),
        ("rule add SITE --kind words --words /nowhere", "The list cannot be read"),
        ("rule add SITE --kind links --story 0123456789ab", "There is no story with this code"),
        ("rule on SITE nothing", "There is no rule with this id."),
        ("rule list other", "There is no site “other”."),
        ("learner SITE --mode on", "It holds nothing before it has seen 100 removed and 1,000"),
        ("learner SITE --mode loud", "--mode takes off, shadow, on."),
    ],
)
def test_bad_input_is_one_sentence(run: Run, site: str, words: str, what: str) -> None:
    assert sentence(run(*words.replace("SITE", site).split())).startswith(what)


def test_the_learned_filter_is_shown_and_started(run: Run, site: str) -> None:
    assert as_json(run, "learner", site)["mode"] == "off"
    found = as_json(run, "learner", site, "--mode", "shadow", "--rate", "20")
    assert (found["mode"], found["rate"], found["curve"]) == ("shadow", 20, [])
    assert "It holds nothing before it has seen 100 and 1,000." in run("learner", site).out
