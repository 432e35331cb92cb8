"""`python -m benchmarks.page.scrolling`: how smoothly a Chromium scrolls the page at `/vhealth`.

The wheel goes through all of 200 credentials and 500 models while updates come in, and then through
a page of plain lines, which is the machine's floor: frames of both are from the same minute.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import sys
from dataclasses import dataclass
from itertools import pairwise

from playwright.async_api import Browser, Page, async_playwright

from benchmarks.page.__main__ import a_manifest, serving, traffic
from support.config import MASTER_KEY

CREDENTIALS, MODELS = 200, 500
WIDTHS = (1280, 360)
HEIGHT = 900
WHEEL = 120
"""Pixels of a notch."""
PAUSE = 0.03
"""Seconds between two notches."""
LONG = 50.0
"""Milliseconds of a frame that is noticed."""
LINES = "".join(f"<p>line {number}</p>" for number in range(3_000))
RECORD = """() => {
  window.frames = [];
  window.isOver = false;
  const note = (time) => {
    window.frames.push(time);
    if (!window.isOver) requestAnimationFrame(note);
  };
  requestAnimationFrame(note);
}"""


@dataclass(frozen=True)
class Frames:
    """The milliseconds that frames took."""

    lengths: list[float]

    def __str__(self) -> str:
        p95 = statistics.quantiles(self.lengths, n=20)[-1]
        over = sum(
            length > LONG + 0.5 for length in self.lengths
        )  # three frames of a screen are 50
        longest = max(self.lengths)
        return f"p95 {p95:.1f} ms, longest {longest:.0f} ms, {over} over {LONG:.0f} ms"


async def scrolled(page: Page, notches: int) -> Frames:
    """Turn the wheel over the middle of a page, and return the frames meanwhile."""
    size = page.viewport_size
    assert size is not None
    await page.mouse.move(size["width"] / 2, size["height"] / 2)
    await page.evaluate(RECORD)
    for _ in range(notches):
        await page.mouse.wheel(0, WHEEL)
        await asyncio.sleep(PAUSE)
    times = await page.evaluate("() => { window.isOver = true; return window.frames; }")
    return Frames([after - before for before, after in pairwise(times)])


async def width_cost(browser: Browser, url: str, width: int, notches: int) -> None:
    """Print the frames of the page at a width, and those of plain lines."""
    context = await browser.new_context(viewport={"width": width, "height": HEIGHT})
    page = await context.new_page()
    await page.goto(f"{url}/vhealth")
    await page.get_by_label("Master key").fill(MASTER_KEY)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_text("live, paused while hidden").wait_for()
    print(f"{width} px wide: {await scrolled(page, notches)}")
    await page.goto("about:blank")
    await page.set_content(LINES)
    print(f"  plain lines: {await scrolled(page, notches)}")
    await context.close()


async def measure(notches: int, rate: float) -> None:
    """Take all readings."""
    async with (
        serving(a_manifest(CREDENTIALS, MODELS)) as (router, client),
        async_playwright() as driver,
    ):
        asking = asyncio.create_task(traffic(client, rate, MODELS))
        browser = await driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        await asyncio.sleep(6)  # a step of the curves is over
        for width in WIDTHS:
            await width_cost(browser, router.url, width, notches)
        await browser.close()
        asking.cancel()


def main() -> None:
    """Parse the command line, and measure."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.page.scrolling", description=__doc__
    )
    parser.add_argument("--notches", type=int, default=450, help="of the wheel (default: 450)")
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second (default: 20)")
    asked = parser.parse_args()
    if shutil.which("chromium") is None:
        sys.exit("there is no Chromium (fix: make browser, as root on Debian)")
    asyncio.run(measure(asked.notches, asked.rate))


if __name__ == "__main__":
    main()
