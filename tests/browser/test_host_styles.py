"""Pages whose styles reach for everything: no text of the widget loses its contrast.

The rules are excerpts of what these frameworks send, version and file named at each: only those that
can reach an element in a page's text, or the text inside it by inheritance.
"""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.actions import article, comment
from tests.browser.conftest import Demo, Hosts
from tests.browser.widget_states import discussed

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MATERIAL = """
/* mkdocs-material 9: assets/stylesheets/main.css, palette.css */
:root { --fg: rgba(0, 0, 0, .87); --fg-light: rgba(0, 0, 0, .54); font-size: 125%; -webkit-text-size-adjust: none }
@media (prefers-color-scheme: dark) { :root { --fg: hsla(225, 15%, 90%, .82); --fg-light: hsla(225, 15%, 90%, .56);
  color-scheme: dark; background: hsl(225, 15%, 14%) } }
*, *::before, *::after { box-sizing: inherit }
html { box-sizing: border-box; overflow-x: hidden }
body { color: var(--fg); font-family: Roboto, -apple-system, Helvetica, Arial, sans-serif; font-size: .5rem; margin: 0;
  font-feature-settings: "kern", "liga"; -webkit-font-smoothing: antialiased }
a { color: inherit; text-decoration: none } button { background: transparent; border: 0; font-family: inherit; margin: 0; padding: 0 }
input { border: 0; outline: none }
main { font-size: .8rem; line-height: 1.6; color-adjust: exact; margin: 0 auto; max-width: 33rem }
main a { color: #4051b5; word-break: break-word }
main blockquote { border-left: .2rem solid var(--fg-light); color: var(--fg-light); display: flow-root; padding-left: .6rem; margin: 1em 0 }
"""
PICO = """
/* @picocss/pico 2: css/pico.css */
:root { --c: #373c44; --muted: #646b79; --line: #e7eaf0; font-family: system-ui, sans-serif; font-size: 112.5%; line-height: 1.5;
  color: var(--c); background: #fff; accent-color: #0172ad }
@media (prefers-color-scheme: dark) { :root { --c: #c2c7d0; --muted: #7b8495; --line: #202632; background: #13171f; color-scheme: dark } }
*, *::before, *::after { box-sizing: border-box; background-repeat: no-repeat }
body { margin: 0 auto; max-width: 700px }
a:not([role=button]) { color: #0172ad }
h1, h2, h3, h4 { color: #2d3138; font-weight: 700; margin-bottom: 1rem }
blockquote { display: block; margin: 1rem 0; padding: 1rem; border-left: .25rem solid var(--line) }
blockquote footer { color: var(--muted) }
button { background: #0172ad; border: 1px solid #0172ad; color: #fff; padding: .75rem 1rem; width: 100% }
input, textarea { width: 100%; background: #fbfcfc; border: 1px solid #cfd5e2; color: #23262c }
article { background: #f7f8f9; padding: 1rem; box-shadow: .0145rem .029rem .174rem rgba(129, 145, 181, .017) }
article { margin-bottom: 1rem } small { font-size: .875em } section { margin-bottom: 1rem }
"""
BOOTSTRAP = """
/* bootstrap 5.3: dist/css/bootstrap.css (reboot, type) */
*, *::before, *::after { box-sizing: border-box }
body { margin: 0 auto; max-width: 720px; font: 400 1rem/1.5 system-ui, sans-serif; color: #212529; background-color: #fff;
  -webkit-text-size-adjust: 100%; -webkit-tap-highlight-color: transparent }
@media (prefers-color-scheme: dark) { :root { color-scheme: dark } body { color: #dee2e6; background-color: #212529 } }
h1, h2, h3, h4 { margin-top: 0; margin-bottom: .5rem; font-weight: 500; line-height: 1.2 }
p { margin-top: 0; margin-bottom: 1rem } ol, ul { padding-left: 2rem } blockquote { margin: 0 0 1rem; font-size: 1.25rem }
a { color: #0d6efd; text-decoration: underline } button { border-radius: 0 } input, button, textarea { margin: 0; font: inherit }
button:not(:disabled) { cursor: pointer } textarea { resize: vertical } label { display: inline-block } footer { color: #6c757d }
"""
TAILWIND = """
/* tailwindcss 4: preflight.css, and the typography plugin's prose */
*, ::after, ::before { box-sizing: border-box; margin: 0; padding: 0; border: 0 solid }
html { line-height: 1.5; -webkit-text-size-adjust: 100%; tab-size: 4; font-family: ui-sans-serif, system-ui, sans-serif }
h1, h2, h3, h4 { font-size: inherit; font-weight: inherit } a { color: inherit; text-decoration: inherit }
button, input, textarea { font: inherit; letter-spacing: inherit; color: inherit; border-radius: 0; background-color: transparent; opacity: 1 }
ol, ul { list-style: none } ::placeholder { opacity: 1; color: color-mix(in oklab, currentcolor 50%, transparent) }
main { color: #374151; max-width: 65ch; margin: 0 auto; line-height: 1.75 }
@media (prefers-color-scheme: dark) { :root { color-scheme: dark; background: #111827 } main { color: #d1d5db } }
main blockquote { font-weight: 500; font-style: italic; border-inline-start-width: .25rem; padding-inline-start: 1em; quotes: "“" "”" }
main blockquote p:first-of-type::before { content: open-quote }
"""
UNSET = "* { all: unset } head, style, script, title { display: none } main, p, h1, blockquote { display: block }"
UNSET_IMPORTANT = (
    "* { all: unset !important } head, style, script, title { display: none !important }"
)
DOCUSAURUS = """
/* infima 0.2 of Docusaurus 3: the blockquote, and what it inherits from */
:root { --ifm-color-emphasis-700: #525860; --ifm-color-emphasis-300: #dadde1; color-scheme: light; background: #fff; color: #1c1e21 }
@media (prefers-color-scheme: dark) { :root { --ifm-color-emphasis-700: #bec3c9; color-scheme: dark; background: #1b1b1d; color: #e3e3e3 } }
html { font: 100%/1.65 system-ui, sans-serif; text-rendering: optimizelegibility } * { box-sizing: border-box }
main { max-width: 45rem; margin: 0 auto } a { color: #25c2a0 } p { margin: 0 0 1.25rem }
blockquote { border-left: 2px solid var(--ifm-color-emphasis-300); margin: 0 0 1.25rem; padding: 1rem; font-size: 1rem;
  color: var(--ifm-color-emphasis-700) }
"""
PAGES = {
    "MkDocs Material": MATERIAL,
    "Pico": PICO,
    "Bootstrap": BOOTSTRAP,
    "Tailwind preflight": TAILWIND,
    "all: unset": UNSET,
    "all: unset !important": UNSET_IMPORTANT,
    "Docusaurus": DOCUSAURUS,
}
LEAST = 4.5
CONTRASTS = r"""(widget) => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  /** A painted colour over another; both as [r, g, b]. */
  const over = (color, [r, g, b], opacity = 1) => {
    canvas.globalAlpha = 1;
    canvas.fillStyle = `rgb(${r} ${g} ${b})`;
    canvas.fillRect(0, 0, 1, 1);
    canvas.globalAlpha = opacity;
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const parentOf = (node) => node.assignedSlot ?? node.parentElement ?? node.getRootNode().host;
  const page = matchMedia("(prefers-color-scheme: dark)").matches
    && getComputedStyle(document.documentElement).colorScheme.includes("dark") ? [18, 18, 18] : [255, 255, 255];
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = parentOf(at)) layers.push(getComputedStyle(at).backgroundColor);
    return layers.reverse().reduce((below, color) => over(color, below), page);
  };
  const opacity = (element) => {
    let all = 1;
    for (let at = element; at; at = parentOf(at)) all *= getComputedStyle(at).opacity;
    return all;
  };
  const light = (color) => color.map((c) => c / 255)
    .map((c) => (c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const found = [];
  const see = (element, pseudo, text) => {
    const style = getComputedStyle(element, pseudo);
    const below = behind(element);
    const fill = style.webkitTextFillColor === "currentcolor" ? style.color : style.webkitTextFillColor;
    const above = over(fill, below, opacity(element) * (pseudo ? style.opacity : 1));
    const [a, b] = [light(above), light(below)].sort((one, other) => other - one);
    found.push([text.trim().slice(0, 40), Math.round(100 * (a + .05) / (b + .05)) / 100]);
  };
  for (const element of widget.shadowRoot.querySelectorAll(".widget *")) {
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (element.closest(".visually-hidden, [aria-disabled]")) continue;
    const own = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join("");
    if (own.trim()) see(element, null, own);
    if (element.placeholder && !element.value) see(element, "::placeholder", element.placeholder);
    else if (element.value && element.matches("input, textarea")) see(element, null, element.value);
  }
  return found;
}"""
"""Text and contrast ratio of everything that is visible in the widget."""


async def pale(page: Page) -> list[Any]:
    """Return the texts with too little contrast."""
    found = await page.locator("story-widget").evaluate(CONTRASTS)
    assert len(found) > 20
    return [one for one in found if one[1] < LEAST]


async def check(page: Page) -> dict[str, list[Any]]:
    """Write a comment and return pale texts by colour scheme."""
    await article(page, "The council does").last.wait_for()
    await comment(page, "Written here")
    await expect(article(page, "Written here")).to_be_focused()
    wrong = {}
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if found := await pale(page):
            wrong[scheme] = found
    return wrong


@pytest.mark.parametrize("name", PAGES)
async def test_text_keeps_its_contrast_in_the_styles_of(
    name: str, demo: Demo, hosts: Hosts
) -> None:
    head = f"<style>{PAGES[name]}</style>"
    page = await hosts.open(discussed(demo).snippet, head=head)
    assert await check(page) == {}


@pytest.mark.parametrize("name", PAGES)
async def test_text_keeps_its_contrast_inside_a_quotation_of(
    name: str, demo: Demo, hosts: Hosts
) -> None:
    story = discussed(demo)
    body = f'<blockquote><story-widget src="{story.link}" token="{story.token}"></story-widget></blockquote>'
    page = await hosts.open(body + story.script, head=f"<style>{PAGES[name]}</style>")
    assert await check(page) == {}


async def test_pale_text_is_found(demo: Demo, hosts: Hosts) -> None:
    page = await hosts.open(discussed(demo).snippet, head="<style>main { color: #888 }</style>")
    await article(page, "The council does").last.wait_for()
    texts = [text for text, _ in await pale(page)]
    assert "The council does, since last year." in texts
    assert "Your comment" in texts
