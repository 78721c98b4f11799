"""Take pictures of the dashboard: the demo with people, reports and decisions, in Chromium.

`.venv/bin/python docs/pictures/dashboard.py FOLDER` writes every page to the folder, on a desktop (1280), a phone
(390) and a narrow phone (320), light and dark, and in Arabic. `--docs` writes only the few pictures of the
documentation, beside this file.
Every picture shows the running software; nothing is drawn or retouched.
"""

# ruff: noqa: T201 - a script for people who change the documentation

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from make import CHROMIUMS, HERE, MAX_BYTES, Demo, host_page, running_demo
from playwright.sync_api import Browser, Page, sync_playwright
from seed import (
    SITE,
    add_defence,
    add_error_report,
    add_objection,
    command,
    first_comment,
    first_copy,
    seed,
)

WIDTHS = {"desktop": (1280, 800), "phone": (390, 844), "narrow": (320, 700)}
SCHEMES = ("light", "dark", "arabic")
SECTIONS = (
    "reactions",
    "writing",
    "moderation",
    "raids",
    "look",
    "after",
    "licence",
    "republishing",
    "history",
)
COLOURS = 96
"""Colours of a picture in the documentation: flat pages need no more, and the files are small."""
DOCS_PICTURES = {
    "dashboard-home": ("home", "desktop", "light"),
    "dashboard-story": ("story", "desktop", "light"),
    "dashboard-tokens": ("tokens", "desktop", "light"),
    "dashboard-queue": ("queue-reported", "desktop", "light"),
    "dashboard-settings": ("settings-reactions", "desktop", "light"),
    "dashboard-phone": ("home", "phone", "dark"),
    "dashboard-objection": ("queue-appeals", "desktop", "light"),
    "dashboard-error-report": ("queue-corrections", "desktop", "light"),
}
DEFENCE_PICTURES = {
    "dashboard-rule": ("rule", "desktop", "light"),
    "dashboard-raid": ("raids", "desktop", "light"),
    "dashboard-hours": ("hours", "desktop", "light"),
}
"""Pictures of what `add_defence` adds, which would stand in the way on the others."""
LIMITS = "comment=100000/60,new_reader=100000/60,action=100000/60,copy=100000/60"
"""Wide limits: with `off` the server would find no floods."""


def open_pages(demo: Demo) -> dict[str, str]:
    """Return the pages that need no sign-in: name to path."""
    link = command(demo, "people", "invite", "--owner").split()[0]
    return {
        "link": link.removeprefix(demo.server),
        "sign-in": "/admin/sign-in",
        "recover": "/admin/recover",
        "gone-link": "/admin/link/none",
    }


def pages(demo: Demo) -> dict[str, str]:
    """Return the pages of the person who is signed in: name to path."""
    _origin, code, _token = first_copy(demo)
    comment = first_comment(demo, code)
    site = f"/admin/sites/{SITE}"
    copies = json.loads(command(demo, "copy", "list", SITE, "--json"))
    first = copies["copies"][0]
    account = json.loads(command(demo, "people", "list", "--json"))[0]["id"]
    rules = json.loads(command(demo, "rule", "list", SITE, "--json"))
    return {
        "sites": "/admin/sites",
        "new-site": "/admin/new-site",
        "account": "/admin/account",
        "home": f"{site}/home",
        "queue": f"{site}/queue",
        "queue-reported": f"{site}/queue?queue=reported",
        "queue-appeals": f"{site}/queue?queue=appeals",
        "queue-corrections": f"{site}/queue?queue=corrections&step=correct",
        "rule": f"{site}/rules/{rules[-1]['id']}" if rules else f"{site}/rules/new",
        "hours": f"{site}/rules/hours",
        "raids": f"{site}/raids",
        "stories": f"{site}/stories",
        "stories-none": f"{site}/stories?q=nothing-like-this",
        "story": f"{site}/stories/{code}",
        "story-copies": f"{site}/stories/{code}/copies",
        "story-settings": f"{site}/stories/{code}/settings",
        "comment": f"{site}/comments/{comment}",
        "comment-remove": f"{site}/comments/{comment}?step=remove",
        "copies": f"{site}/copies",
        "copies-revoke": f"{site}/copies?revoke={first['id']}",
        "numbers": f"{site}/numbers",
        "numbers-copies": f"{site}/numbers?view=copies",
        "numbers-languages": f"{site}/numbers?view=languages",
        "numbers-talk": f"{site}/numbers?view=talk",
        "tokens": f"{site}/tokens",
        "tokens-keys": f"{site}/tokens/keys",
        **{f"settings-{one}": f"{site}/settings/{one}" for one in SECTIONS},
        "people": f"{site}/people",
        "people-invite": f"{site}/people/invite",
        "people-role": f"{site}/people/{account}/role",
        "key-new": f"{site}/keys/new",
        "log": f"{site}/log",
        "snippet": f"{site}/snippet",
        "gone": f"{site}/stories/AAAAAAAAAAAA",
    }


def signed_in(browser: Browser, demo: Demo) -> object:
    """Return the cookies of the demo's owner, who signs in by a link."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(command(demo, "people", "reset", "Ana Ferreira").split()[0])
    page.locator("form button").first.click()
    page.wait_for_url("**/admin/account*")
    state = context.storage_state()
    context.close()
    return state


def contexts(
    browser: Browser, state: object, only: set[tuple[str, str]] | None = None
) -> Iterator[tuple[str, str, Page]]:
    """Yield width, scheme and a page for each combination, or for those in `only`."""
    for width, (wide, tall) in WIDTHS.items():
        for scheme in SCHEMES:
            if only is not None and (width, scheme) not in only:
                continue
            context = browser.new_context(
                viewport={"width": wide, "height": tall},
                color_scheme="dark" if scheme == "dark" else "light",
                locale="ar" if scheme == "arabic" else "en",
                storage_state=state,  # type: ignore[arg-type]
            )
            yield width, scheme, context.new_page()
            context.close()


def shoot(page: Page, address: str, path: Path, *, whole: bool) -> int:
    """Write the picture of an address and return the answer's status. Sideways scroll is printed."""
    answer = page.goto(address)
    page.evaluate("document.fonts.ready")
    page.wait_for_load_state("networkidle")
    if page.locator("iframe.preview").count():
        page.frame_locator("iframe.preview").get_by_role("button").first.wait_for()
    if not whole and page.locator("#trial").count():
        page.locator("#trial").evaluate("it => (it.closest('section') ?? it).scrollIntoView()")
    page.screenshot(path=path, full_page=whole)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if wide > 0:
        print(f"{path.stem}: {wide} px wider than the window")
    return answer.status if answer else 0


def take_all(browser: Browser, demo: Demo, folder: Path) -> None:
    """Take every page in every width and scheme."""
    for state, found in ((None, open_pages(demo)), (signed_in(browser, demo), pages(demo))):
        for width, scheme, page in contexts(browser, state):
            for name, path in found.items():
                target = folder / f"{name}-{width}-{scheme}.png"
                status = shoot(page, demo.server + path, target, whole=True)
                if status not in {200, 404}:
                    print(f"{name}: {status}")


def take_for_docs(browser: Browser, demo: Demo, pictures: dict[str, tuple[str, str, str]]) -> None:
    """Take these pictures of the documentation. Raises `SystemExit` if a page fails or a file is too large."""
    from PIL import Image

    found, state = pages(demo), signed_in(browser, demo)
    for name, (place, width, scheme) in pictures.items():
        for _width, _scheme, page in contexts(browser, state, {(width, scheme)}):
            path = HERE / f"{name}.png"
            status = shoot(page, demo.server + found[place], path, whole=False)
            if status != 200:
                raise SystemExit(f"{name}: the page answered {status}.")
            with Image.open(path) as picture:
                reduced = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
            reduced.save(path, optimize=True)
            size = path.stat().st_size
            print(f"{path.name}: {size} bytes")
            if size > MAX_BYTES:
                raise SystemExit(f"{path.name} is larger than {MAX_BYTES} bytes.")


def main() -> None:
    """Take the pictures that the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--docs", action="store_true")
    parser.add_argument("--data", type=Path, help="keep the demo's data here for the next run")
    chosen = parser.parse_args()
    if chosen.folder is None and not chosen.docs:
        parser.error("name a folder, or give --docs")
    executable = next((path for path in CHROMIUMS if Path(path).exists()), None)
    with (
        tempfile.TemporaryDirectory(prefix="pictures-") as folder,
        running_demo(chosen.data or Path(folder) / "data", LIMITS) as demo,
        host_page() as other,
        sync_playwright() as playwright,
    ):
        if not command(demo, "story", "list", SITE).count("\n"):
            # What is seeded at once would be a flood.
            command(demo, "site", "set", SITE, "floods=off")
            seed(demo, other)
            add_objection(demo)
            add_error_report(demo)
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        if chosen.docs:
            take_for_docs(browser, demo, DOCS_PICTURES)
            add_defence(demo)
            take_for_docs(browser, demo, DEFENCE_PICTURES)
        if chosen.folder is not None:
            chosen.folder.mkdir(parents=True, exist_ok=True)
            take_all(browser, demo, chosen.folder)
        browser.close()


if __name__ == "__main__":
    main()
