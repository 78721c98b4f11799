"""A fresh DokuWiki on its own origin: Debian's package with PHP's server. Anyone may write."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.browser.publishing import SYSTEMS, answers, running
from tests.ports import free_port

UNPACKED = SYSTEMS / "dokuwiki"
CONFIG = """<?php
$conf['title'] = 'Northside Wiki';
$conf['savedir'] = '{folder}/data';
$conf['useacl'] = 0;
$conf['updatecheck'] = 0;
"""
FIRST = """<?php
define('DOKU_MAIN_CONF', '{folder}/conf/');
define('DOKU_CONF', '{folder}/conf/');
"""


@dataclass(frozen=True)
class DokuWiki:
    """A fresh wiki."""

    address: str
    version: str


@contextlib.contextmanager
def dokuwiki(folder: Path) -> Iterator[DokuWiki]:
    """Run DokuWiki, with its files in `folder`."""
    share, kept = UNPACKED / "usr" / "share", UNPACKED / "var" / "lib" / "dokuwiki"
    site = folder / "site"
    # Its links lead to places of an installed package.
    leave_out = shutil.ignore_patterns("tpl", "plugins", ".htaccess")
    shutil.copytree(share / "dokuwiki", site, ignore=leave_out)
    for name in ("tpl", "plugins"):
        shutil.copytree(kept / "lib" / name, site / "lib" / name)
    shutil.copytree(kept / "data", folder / "data")
    shutil.copytree(UNPACKED / "etc" / "dokuwiki", folder / "conf", ignore_dangling_symlinks=True)
    for file in site.rglob("*.php"):
        text = file.read_text("utf-8", "surrogateescape")
        if "/usr/share/" in text:
            file.write_text(text.replace("/usr/share/", f"{share}/"), "utf-8", "surrogateescape")
    (folder / "conf" / "local.php").write_text(CONFIG.replace("{folder}", str(folder)))
    first = folder / "first.php"
    first.write_text(FIRST.replace("{folder}", str(folder)))
    address = f"http://localhost:{free_port()}"
    command: list[str | Path] = [
        *("php", "-d", f"auto_prepend_file={first}", "-d", "error_reporting=0"),
        *("-S", address.removeprefix("http://"), "-t", site),
    ]
    workers = {"PHP_CLI_SERVER_WORKERS": "8"}
    with running(command, folder / "log", lambda: answers(f"{address}/doku.php"), None, **workers):
        yield DokuWiki(address, (site / "VERSION").read_text().split()[0])
