"""A headless browser, and the site of the repository's results for it to read."""

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.catalogue import catalogue
from leaderboard.build import build

ROOT = Path(__file__).resolve().parents[2]
MUST_RUN = "BALANCEBENCH_BROWSER"
"""Environment variable: with the value 1, a missing browser is a failure."""
ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-first-run",
    "--no-proxy-server",
    "--no-sandbox",
    "--renderer-process-limit=1",
]
WATCH = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
"""

OpenPage = Callable[..., Any]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window and without a network."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None or importlib.util.find_spec("playwright") is None:
        missing = "no Chromium: apt-get install chromium" if path is None else "no playwright: make install"
        (pytest.fail if os.environ.get(MUST_RUN) == "1" else pytest.skip)(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[OpenPage]:
    """Opens a file as a reader would: open_page(path, fragment="", width=1400, init="", **context) -> page.

    init: script that runs before the page's own. At the end of the test, no page may have written an error,
    thrown, broken its Content-Security-Policy or asked for anything but a file.
    """
    contexts, problems = [], []

    def open_page(path: Path, fragment: str = "", width: int = 1400, init: str = "", **context: Any) -> Any:
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **context))
        page = contexts[-1].new_page()
        page.set_default_timeout(5_000)
        page.add_init_script(WATCH + init)
        page.on("console", lambda message: message.type in {"error", "warning"} and problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: request.url.startswith(("file:", "data:")) or problems.append(request.url))
        # what a page that is closed had still asked for, as an icon, is aborted
        page.on(
            "requestfailed",
            lambda request: request.failure == "net::ERR_ABORTED" or problems.append(f"not found: {request.url}"),
        )
        page.goto(path.as_uri() + fragment)
        return page

    yield open_page
    for each in contexts:
        each.close()
    assert problems == []


@pytest.fixture(scope="session")
def real_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the records in results/, and of everything there is to run."""
    out = tmp_path_factory.mktemp("real") / "site"
    build(ROOT / "results", out, catalogue=catalogue())
    return out


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """The page that keeps the scripts' contract, with the site's own scripts and style."""
    page = tmp_path / "page.html"
    text = (ROOT / "tests" / "leaderboard" / "table_page.html").read_text("utf-8")
    page.write_text(text.replace("STATIC", (ROOT / "leaderboard" / "static").as_uri()), "utf-8")
    return page
