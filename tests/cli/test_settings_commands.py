"""Settings on the command line: languages, drawings, and rules of a single story."""

from collections.abc import Callable
from pathlib import Path

from tests.cli.commands import Run, run_next_to, sentence
from tests.contract.make_tokens import code
from tests.e2e.harness import ServerProcess
from tests.loopback import http_client

SVG = '<svg viewBox="0 0 24 24"><path fill="#c00" d="M0 0h24v24z"/></svg>'


def test_a_text_is_set_and_printed_for_each_language(run: Run, site: str) -> None:
    for choice in (
        "prompt.es=¿Cómo?",
        "reactions.es=happy:Feliz,sad:Triste",
        "guidelines_text.fr=Soyez *aimables*.",
    ):
        assert run("site", "set", site, choice).out == choice
    run("site", "set", site, "calls_to_action=https://a.example Lend | https://b.example Write")
    labels = "calls_to_action.es=Presta | Escribe"
    assert run("site", "set", site, labels).out == labels
    assert "prompts=es" in run("site", "set", site).out.splitlines()
    assert run("site", "set", site, "prompt.es=").out == "prompt.es="
    assert "small letters" in sentence(run("site", "set", site, "prompt.es-MX=x"))
    assert "one label for each" in sentence(run("site", "set", site, "calls_to_action.es=Presta"))


def test_a_reaction_is_drawn_with_a_drawing_and_as_before(
    run: Run, site: str, tmp_path: Path
) -> None:
    file = tmp_path / "happy.svg"
    file.write_text(SVG, "utf-8")
    assert "your paths" in run("site", "reaction-face", site, "happy", str(file)).out
    assert '"M0 0h24v24z"' in run("site", "set", site, "--json").out
    assert "as before" in run("site", "reaction-face", site, "happy").out
    assert "M0 0h24v24z" not in run("site", "set", site, "--json").out
    assert "no reaction" in sentence(run("site", "reaction-face", site, "love", str(file)))
    file.write_text("<svg><circle/></svg>", "utf-8")
    assert "<circle>" in sentence(run("site", "reaction-face", site, "happy", str(file)))
    file.write_bytes(b"\xff")
    assert "as text" in sentence(run("site", "reaction-face", site, "happy", str(file)))
    assert "as text" in sentence(run("site", "reaction-face", site, "happy", str(tmp_path)))


def test_settings_of_an_unknown_story_are_rejected(run: Run, site: str) -> None:
    sentence(run("story", "set", "0" * 12))
    sentence(run("story", "set", "0" * 12, "moderation=pre"))
    assert "KEY=VALUE" in sentence(run("story", "set", "0" * 12, "moderation"))


async def test_a_story_overrides_rules_next_to_a_running_server(
    new_server: Callable[..., ServerProcess],
) -> None:
    server: ServerProcess = await new_server().start()
    run_next_to(server, "site", "create", "press", "--name", "Press")
    token = run_next_to(server, "token", "--site", "press", "--story", "one", "--origin", "*")
    story = code("press", "one")
    async with http_client(base_url=server.url) as http:
        action = {"type": "react", "story": story, "token": token, "reaction": "happy"}
        assert (await http.post("/v1/actions", json=action)).status_code == 200
        assert run_next_to(server, "story", "set", story) == ""
        done = run_next_to(server, "story", "set", story, "moderation=pre", "prompt=Own?")
        assert done.splitlines() == ["prompt=Own?", "prompts=", "moderation=pre"]
        shown = (await http.get(f"/v1/stories/{story}")).json()["settings"]
        assert (shown["prompt"], shown["moderation"]) == ("Own?", "pre")
        done = run_next_to(server, "story", "set", story, "--clear", "prompt", "--json")
        assert done.split() == ["{", '"moderation":', '"pre"', "}"]
