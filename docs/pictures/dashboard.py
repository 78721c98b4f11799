"""Take pictures of the dashboard: the demo with people, reports and decisions, in Chromium.

`.venv/bin/python docs/pictures/dashboard.py FOLDER` writes every page to the folder, on a desktop (1280), a phone
(390) and a narrow phone (320), light and dark, and in Arabic. `--docs` writes only the few pictures of the
documentation, beside this file.
Every picture shows the running software; nothing is drawn or retouched.
"""

# ruff: noqa: S310, S603, T201 - a script for people who change the documentation

import argparse
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from html import unescape
from pathlib import Path

from make import CHROMIUMS, HERE, MAX_BYTES, Demo, _env, add_content, host_page, running_demo
from playwright.sync_api import Browser, Page, sync_playwright

SITE = "harbour-post"
WIDTHS = {"desktop": (1280, 800), "phone": (390, 844), "narrow": (320, 700)}
SCHEMES = ("light", "dark", "arabic")
SECTIONS = (
    "reactions",
    "writing",
    "moderation",
    "look",
    "after",
    "licence",
    "republishing",
    "history",
)
OTHER_STORIES = (
    ("market-hall", "The market hall gets its roof back", "Leo Brandt"),
    ("night-bus", "A night bus for three villages", "Ines Falk"),
    ("tide-mill", "Who owns the tide mill?", "Noor Haddad"),
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
}


def command(demo: Demo, *arguments: str) -> str:
    """Return the output of a command on the demo's data."""
    line = [sys.executable, "-m", "widget_server", *arguments, "--data", str(demo.data)]
    env = {**_env(), "PUBLIC_URL": demo.server}
    return subprocess.run(line, check=True, capture_output=True, text=True, env=env).stdout.strip()


def seed(demo: Demo, other: str) -> None:
    """Add what an owner has after some days: stories, copies, pending and reported comments, people."""
    add_content(demo)
    origin, code, token = _first_copy(demo)
    command(demo, "site", "set", SITE, "website=optional", "email=optional")
    rude = demo.post_comment(
        token, origin, code, "Bo", "Nobody reads any more. Close it, and fire the captain."
    )
    advert = demo.post_comment(
        token, origin, code, "Cheap Sails", "Sails at half price: https://sails.example/now"
    )
    for comment, reason in ((rude, "He attacks the crew."), (advert, "Spam"), (advert, "Again.")):
        demo.action(token, origin, type="report", story=code, comment=comment, reason=reason)
    gone = demo.post_comment(token, origin, code, "Rob", "Call me on 555 0199, any time.")
    command(
        demo, "comment", "remove", gone, "--reason", "privacy", "--note", "A private phone number."
    )
    command(demo, "comment", "pin", _first_comment(demo, code))
    for number, (key, title, author) in enumerate(OTHER_STORIES):
        about = ("--title", title, "--author", author, "--label", "Northside Weekly")
        address = ("--url", f"https://harbour.example/{key}")
        signed = demo.token(key, *about, *address, "--origin", other, "--lang", "en")
        story = _code(demo, signed)
        for _ in range(3 + number):
            demo.action(signed, other, type="react", story=story, reaction="happy")
        if number == 0:
            command(demo, "story", "set", story, "moderation=pre")
        for name in ("Amir", "Lotte"):
            text = "The old roof leaked for *eleven* years. Who checks this one?"
            demo.post_comment(signed, other, story, name, text)
        if number == len(OTHER_STORIES) - 1:
            command(demo, "story", "close", story)
    command(demo, "story", "notice", code, "From the editors: the boat sails at five on Sundays.")
    command(
        demo,
        "people",
        "invite",
        "--role",
        "moderator",
        "--site",
        SITE,
        "--email",
        "lea@post.example",
    )
    command(demo, "key", "create", SITE, "--label", "Website", "--scope", "token")


def _first_copy(demo: Demo) -> tuple[str, str, str]:
    origin = demo.page_address(0)
    with urllib.request.urlopen(origin) as answer:
        html = answer.read().decode()
    token = unescape(re.findall(r'data-widget-token="([^"]+)"', html)[0])
    return origin, re.findall(r"/s/(\w{12})", html)[0], token


def _first_comment(demo: Demo, code: str) -> str:
    listed = json.loads(command(demo, "comment", "list", SITE, "--story", code, "--json"))
    return str(listed[-1]["id"])


def _code(demo: Demo, token: str) -> str:
    with urllib.request.urlopen(f"{demo.server}/e/{token}") as answer:
        return str(re.findall(r"/s/(\w{12})", answer.read().decode())[0])


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
    _origin, code, _token = _first_copy(demo)
    comment = _first_comment(demo, code)
    site = f"/admin/sites/{SITE}"
    copies = json.loads(command(demo, "copy", "list", SITE, "--json"))
    first = copies["copies"][0]
    account = json.loads(command(demo, "people", "list", "--json"))[0]["id"]
    return {
        "sites": "/admin/sites",
        "new-site": "/admin/new-site",
        "account": "/admin/account",
        "home": f"{site}/home",
        "queue": f"{site}/queue",
        "queue-reported": f"{site}/queue?queue=reported",
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


def take_for_docs(browser: Browser, demo: Demo) -> None:
    """Take the pictures of the documentation. Raises `SystemExit` if a file is too large."""
    from PIL import Image

    found, state = pages(demo), signed_in(browser, demo)
    for name, (place, width, scheme) in DOCS_PICTURES.items():
        for _width, _scheme, page in contexts(browser, state, {(width, scheme)}):
            path = HERE / f"{name}.png"
            shoot(page, demo.server + found[place], path, whole=False)
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
        running_demo(chosen.data or Path(folder) / "data") as demo,
        host_page() as other,
        sync_playwright() as playwright,
    ):
        if not command(demo, "story", "list", SITE).count("\n"):
            seed(demo, other)
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        if chosen.docs:
            take_for_docs(browser, demo)
        if chosen.folder is not None:
            chosen.folder.mkdir(parents=True, exist_ok=True)
            take_all(browser, demo, chosen.folder)
        browser.close()


if __name__ == "__main__":
    main()
