"""The site builds without a warning, is whole, and asks nothing of other hosts."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import pytest
from typing_extensions import override

import polystore
from docs.pages import DOCS, PAGES, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

CONFIG = ROOT / "zensical.toml"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href"}


def nav_pages(entry: Any) -> list[str]:
    """Return the pages that a part of the navigation leads to."""
    if isinstance(entry, str):
        return [entry]
    parts: Iterable[Any] = (
        cast("dict[str, Any]", entry).values() if isinstance(entry, dict) else entry
    )
    return [page for part in parts for page in nav_pages(part)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the site, built from a copy, so that it disturbs no other build."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS, folder / "docs")
    for name in ("src", "bench"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(CONFIG, folder)
    done = subprocess.run(
        [Path(sys.executable).with_name("zensical"), "build", "--strict"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    said = _COLOUR.sub("", done.stdout + done.stderr)
    assert done.returncode == 0, said
    assert "arning" not in said, said
    return folder / "site"


def test_every_page_is_in_the_navigation_and_every_entry_is_a_page() -> None:
    nav = nav_pages(tomllib.loads(CONFIG.read_text(encoding="utf-8"))["project"]["nav"])
    assert sorted(nav) == [page.relative_to(DOCS).as_posix() for page in PAGES]


def test_every_page_is_built(site: Path) -> None:
    for page in PAGES:
        built = site / page.relative_to(DOCS).with_suffix(".html")
        assert built.is_file(), built


class Links(HTMLParser):
    """Collects what a page links to, loads, and can be linked at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.hrefs: set[str] = set()
        self.loaded: set[str] = set()
        self.ids: set[str] = set()
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids.add(given.get("id") or "")
        if tag == "a" and given.get("href"):
            self.hrefs.add(given["href"] or "")
        value = given.get(_LOADED.get(tag, ""))
        if value:
            self.loaded.add(value)


def test_every_link_leads_somewhere(site: Path) -> None:
    pages = {
        path: Links(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
        if path.name != "404.html"  # its links are relative to the host
    }
    broken: list[str] = []
    for path, links in pages.items():
        for href in links.hrefs:
            parts = urlsplit(href)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / parts.path).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            known = pages[target].ids if target in pages else None
            if not target.exists() or (parts.fragment and known and parts.fragment not in known):
                broken.append(f"{path.relative_to(site)}: {href}")
    assert broken == []


def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    for path in site.rglob("*.html"):
        loaded = Links(path.read_text(encoding="utf-8")).loaded
        assert not [url for url in loaded if urlsplit(url).netloc], path
    for path in site.rglob("*.css"):
        assert not re.findall(r"url\(.?https?:", path.read_text(encoding="utf-8")), path


def test_the_reference_of_the_configuration_is_current() -> None:
    program = ROOT / "tools" / "docs_reference.py"
    done = subprocess.run(
        [sys.executable, program, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_public_name_has_its_place_in_the_api_reference(site: Path) -> None:
    # Sphinx's inventory: four lines of text, then a compressed line per documented name.
    inventory = zlib.decompress((site / "objects.inv").read_bytes().split(b"\n", 4)[4]).decode()
    documented = {line.split()[0] for line in inventory.splitlines()}
    public = [getattr(polystore, name) for name in polystore.__all__]
    names = {
        f"{value.__module__}.{value.__qualname__}"
        for value in public
        if hasattr(value, "__qualname__")
    }
    assert names - documented == set()
