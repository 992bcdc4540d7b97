"""Makes leaderboard/static/card.png from the drawing beside it, with Chromium: `python -m tests.leaderboard.card`."""

import shutil

from leaderboard.card import DRAWING, PICTURE, SIZE


def main() -> None:
    """Write the picture."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        page.goto(DRAWING.as_uri())
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
