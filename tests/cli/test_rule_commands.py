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


def test_a_list_is_imported_by_language_and_every_wrong_line_is_named(
    run: Run, site: str, tmp_path: Path
) -> None:
    file = tmp_path / "words.csv"
    file.write_text("word;language\ncasino;\nKasino;de\nmerde;fr\n")
    done = run(*f"rule add {site} --kind words --words {file} --language de --json".split())
    assert "Entries in other languages are left out (fr: 1)." in done.err
    rule = json.loads(done.out)
    assert rule["words"] == ["casino", "Kasino"]
    found = as_json(run, *f"rule change {site} {rule['id']}".split(), "--except", "das alte Kasino")
    assert found["exceptions"] == ["das alte Kasino"]
    found = as_json(run, *f"rule change {site} {rule['id']} --words {file} --language fr".split())
    assert (found["words"], found["exceptions"]) == (["casino", "merde"], ["das alte Kasino"])
    [change] = [one for one in as_json(run, "log", "list", site) if one["verb"] == "rules"][:1]
    assert run("undo", change["id"]).out == "Undone. The site is as before."
    assert as_json(run, "rule", "list", site)[0]["words"] == ["casino", "Kasino"]
    file.write_text("fine\n…\n", "utf-8")
    wrong = sentence(run(*f"rule change {site} {rule['id']} --words {file}".split()))
    assert wrong.startswith("Line 2: “…” has no letter")
    gone = sentence(run(*f"rule change {site} {rule['id']} --except-comment nowhere".split()))
    assert gone.startswith("There is no comment")


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
