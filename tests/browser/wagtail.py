"""A fresh Wagtail on its own origin: Django's server and SQLite. `make cms-tests` installs it."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from playwright.async_api import Page

from tests.browser.editors import TOOLS
from tests.browser.publishing import PASSWORD, answers, running
from tests.browser.republishing_guide import recipe
from tests.ports import free_port

PYTHON = TOOLS / "python"
SITE = Path(__file__).with_name("wagtail_site")


def version(package: str) -> str:
    """Return the version of an installed Python package."""
    [found] = [
        one.version for one in distributions(path=[str(PYTHON)]) if one.metadata["Name"] == package
    ]
    return found


@dataclass(frozen=True)
class Wagtail:
    """A fresh site with an administrator `admin`."""

    address: str

    async def enter(self, page: Page) -> None:
        """Log in by the form's request."""
        form, ask = f"{self.address}/admin/login/", page.context.request
        hidden = re.search(
            r'name="csrfmiddlewaretoken" value="(\w+)"', await (await ask.get(form)).text()
        )
        assert hidden is not None
        sent: dict[str, str | float | bool] = {
            "csrfmiddlewaretoken": hidden[1],
            "username": "admin",
            "password": PASSWORD,
        }
        answer = await ask.post(form, form=sent, headers={"Referer": form})
        assert answer.url == f"{self.address}/admin/", await answer.text()


@contextlib.contextmanager
def wagtail(folder: Path, listed: str) -> Iterator[Wagtail]:
    """Run Wagtail. Its list of oEmbed providers has the server `listed` too, by the recipe of the guide."""
    # A copy: Django writes the migration of the page's type into it.
    site = folder / "site"
    shutil.copytree(SITE, site, ignore=shutil.ignore_patterns("__pycache__"))
    variables = {
        "PYTHONPATH": f"{site}{os.pathsep}{PYTHON}",
        "DJANGO_SETTINGS_MODULE": "settings",
        "WAGTAIL_DATABASE": str(folder / "db.sqlite3"),
        "WAGTAIL_RECIPE": re.sub(
            r"https://widgets\\?\.example", listed, recipe("Wagtail", "python")
        ),
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }
    django = [sys.executable, "-W", "ignore", "-m", "django"]
    person = ("createsuperuser", "--noinput", "--username=admin", "--email=admin@example.com")
    for command in (("makemigrations", "stories"), ("migrate", "--verbosity=0"), person):
        done = subprocess.run(
            [*django, *command],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    address = f"http://localhost:{free_port()}"
    server = [*django, "runserver", "--noreload", address.removeprefix("http://")]
    ready = f"{address}/admin/login/"
    with running(server, folder / "log", lambda: answers(ready), None, **variables):
        yield Wagtail(address)
