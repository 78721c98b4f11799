"""WebKit over WebDriver: Debian's MiniBrowser on a virtual screen, and what the tests do in it.

Elements are found by role and accessible name, as the browser computes them.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import ActionChains, WebKitGTK
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service

from tests.waiting import SLOWNESS, wait_until

DRIVER = "/usr/bin/WebKitWebDriver"
ROOT = "document.querySelector('story-widget').shadowRoot"
ROLES = {"button": "button", "textbox": "textarea, input"}
"""Selectors of the elements that may have a role."""
CONTROL = Keys.CONTROL
ENTER = Keys.ENTER
RIGHT = Keys.ARROW_RIGHT


def _fits(computed: str, role: str, name: str) -> bool:
    words = " ".join(computed.split())
    # In a label around a field WebKit counts the field's placeholder to the name.
    return words == name or (role == "textbox" and words.startswith(name + " "))


class Place:
    """A page, or an iframe in it, with one widget."""

    def __init__(self, driver: Any, *, in_frame: bool = False) -> None:
        self.driver = driver
        self.in_frame = in_frame

    def _enter(self) -> None:
        self.driver.switch_to.default_content()
        if self.in_frame:
            self.driver.switch_to.frame(0)

    def open(self, address: str) -> None:
        """Open an address and wait for `load`."""
        self.driver.switch_to.default_content()
        self.driver.get(address)

    def reload(self) -> None:
        """Reload the page."""
        self.driver.refresh()

    def back(self) -> None:
        """Go back in history."""
        self.driver.back()

    def frame(self) -> "Place":
        """Return the only iframe of the page."""
        return Place(self.driver, in_frame=True)

    def value(self, expression: str) -> Any:
        """Return the value of an expression; a promise is awaited."""
        self._enter()
        return self.driver.execute_async_script(
            f"const done = arguments[0]; Promise.resolve({expression}).then(done, (error) => done(String(error)))"
        )

    def find(self, role: str, name: str) -> list[Any]:
        """Return the widget's visible elements with this role and name."""
        self._enter()
        shown = self.driver.execute_script(
            "const root = document.querySelector('story-widget')?.shadowRoot;"
            "return [...root?.querySelectorAll(arguments[0]) ?? []].filter((each) => each.checkVisibility())",
            ROLES[role],
        )
        try:
            return [
                each
                for each in shown
                if each.aria_role == role and _fits(each.accessible_name, role, name)
            ]
        except StaleElementReferenceException:
            return []  # The widget was just drawn again.

    def shows(self, role: str, name: str, **attributes: str) -> Any:
        """Wait for the only element with this role, name and attributes (`aria_pressed`)."""
        wanted = {key.replace("_", "-"): value for key, value in attributes.items()}

        def there() -> Any:
            found = self.find(role, name)
            fits = len(found) == 1 and all(
                found[0].get_attribute(key) == value for key, value in wanted.items()
            )
            return found[0] if fits else None

        return wait_until(there, f"{role} “{name}” {wanted or ''}", 20)

    def reads(self, text: str) -> None:
        """Wait until the widget's visible text contains this."""
        self._enter()
        script = (
            "return !!document.querySelector('story-widget')?.shadowRoot.querySelector('section')"
            "?.innerText.includes(arguments[0])"
        )
        wait_until(lambda: self.driver.execute_script(script, text), f"the text “{text}”", 20)

    def click(self, role: str, name: str) -> None:
        """Click an element with the pointer."""
        element = self.shows(role, name)
        self.driver.execute_script("arguments[0].scrollIntoView({ block: 'center' })", element)
        # Not `element.click()`: WebKit's driver takes an input in a shadow root for covered.
        ActionChains(self.driver).move_to_element(element).click().perform()

    def click_part(self, part: str) -> None:
        """Click the only visible element with this part."""

        def there() -> Any:
            self._enter()
            return self.driver.execute_script(
                "return [...document.querySelector('story-widget')?.shadowRoot"
                ".querySelectorAll(`[part~=${arguments[0]}]`) ?? []].find((each) => each.checkVisibility())",
                part,
            )

        wait_until(there, f"the part {part}", 20).click()

    def press(self, keys: str, held: str = "") -> None:
        """Press and release each key while `held` is down."""
        self._enter()
        chain = ActionChains(self.driver)
        if held:
            chain.key_down(held)
        chain.send_keys(keys)
        if held:
            chain.key_up(held)
        chain.perform()

    def focuses(self, text: str) -> None:
        """Wait until the focused element of the widget contains this text."""
        self._enter()
        script = f"return {ROOT}.activeElement?.textContent ?? ''"
        wait_until(lambda: text in self.driver.execute_script(script), f"the focus on “{text}”", 20)


def installed() -> str:
    """Return the path of the installed MiniBrowser."""
    found = next(Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser"), None)
    assert found, "WebKit is missing: `make webkit` installs Debian's where it may"
    assert Path(DRIVER).exists(), "WebKitWebDriver is missing: `make webkit` installs Debian's"
    return str(found)


@contextmanager
def screen() -> Iterator[str]:
    """Run a virtual screen and yield its name."""
    reading, writing = os.pipe()
    command = ("Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x1024x24")
    process = subprocess.Popen(
        [*command, "-nolisten", "tcp"], pass_fds=[writing], stderr=subprocess.DEVNULL
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        assert number, "Xvfb ended"
        yield f":{number}"
    finally:
        process.terminate()
        process.wait(30)


class WebKit:
    """The installed WebKit; each reader is a browser of its own, with its own storage."""

    def __init__(self, display: str, folder: Path) -> None:
        self.environment = {
            "HOME": str(folder),
            "PATH": "/usr/bin:/bin",
            "DISPLAY": display,
            # The virtual screen has no GPU.
            "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
        }
        self.version = ""

    @contextmanager
    def reader(self) -> Iterator[Place]:
        """Run a browser until the block ends."""
        options = Options()
        options.binary_location = installed()
        options.add_argument("--automation")
        with ExitStack() as stack:
            service = Service(DRIVER, env=self.environment, log_output=subprocess.DEVNULL)
            driver = WebKitGTK(options=options, service=service)
            stack.callback(driver.quit)
            driver.set_window_size(900, 900)
            driver.set_page_load_timeout(60 * SLOWNESS)
            self.version = driver.capabilities["browserVersion"]
            yield Place(driver)


@contextmanager
def running(folder: Path) -> Iterator[WebKit]:
    """Run the virtual screen on which readers' browsers are shown."""
    with screen() as display:
        yield WebKit(display, folder)
