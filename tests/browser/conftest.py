"""A headless Chromium of the system, and pages in it that tell what they asked for and complained of."""

import importlib.util
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

# Nothing of the browser's own goes out either.
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
PACKAGES = ("playwright", "axe_playwright_python")


@dataclass
class Opened:
    """A page, the addresses that were requested for it, and what its console said."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def missing() -> str:
    """Why the pages cannot be tried here; empty if they can."""
    packages = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if packages:
        return f"{' and '.join(packages)} not installed: run make test-browser"
    return "" if shutil.which("chromium") else "no chromium on the path: apt-get install chromium"


# Per module: while Playwright runs, nothing else in the process can run an event loop.
@pytest.fixture(scope="module")
def browser():
    if reason := missing():
        (pytest.fail if os.environ.get("STANCE_REQUIRE_BROWSER") else pytest.skip)(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, tmp_path: Path):
    """Function that shows HTML in a window of some width, in light or dark colours."""
    contexts = []

    def show(html: str, *, width: int = 1280, scheme: str = "light") -> Opened:
        path = tmp_path / f"{len(contexts)}.html"
        path.write_text(html, encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.on("console", lambda message: opened.complaints.append(message.text))
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.page.on("dialog", lambda dialog: opened.complaints.append(dialog.message) or dialog.dismiss())
        opened.page.goto(path.as_uri())
        assert opened.requests == [path.as_uri()]
        return opened

    yield show
    for context in contexts:
        context.close()
