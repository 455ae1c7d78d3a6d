"""Measure how quickly the page of a recording appears and moves in a browser, and print a table.

    python tests/bench/bench_page.py [--quick] [--markdown] [RECORDING]

Without a recording, four threads index the standard library, and their last 100,000 calls are
shown. The browser is a headless chromium that draws without a graphics card.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser import PROGRAM, Browser
from genlock._page._render import write
from genlock._recording import load
from tables import Table

EXAMPLE = Path(__file__).parents[2] / "examples" / "index_stdlib.py"
SEARCHED = "split import"
MOVES = """
(async () => {
    const canvas = document.querySelector("#canvas");
    const box = canvas.getBoundingClientRect();
    const seen = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const draws = [], moves = [];
    let boxes = 0;
    canvas.addEventListener("drawn", ({ detail }) => {
        draws.push(detail.milliseconds);
        boxes = Math.max(boxes, detail.boxes);
    });
    for (let step = 0; step < %(steps)d; step++) {
        const began = performance.now();
        canvas.dispatchEvent(new WheelEvent("wheel", {
            deltaY: step < %(steps)d / 2 ? -60 : 60, ctrlKey: true, cancelable: true,
            clientX: box.x + box.width * 0.6, clientY: box.y + 60,
        }));
        await seen();
        moves.push(performance.now() - began);
    }
    const began = performance.now();
    const search = document.querySelector("#search");
    search.value = %(searched)s;
    search.dispatchEvent(new Event("input"));
    await seen();
    return { draws, moves, boxes, search: performance.now() - began };
})()
"""
MARKS = """
Object.fromEntries([...performance.getEntriesByType("paint"),
    ...performance.getEntriesByType("mark")].map((it) => [it.name, it.startTime]))
"""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("recording", nargs="?", type=Path, help="what Recording.save has written")
    parser.add_argument("--quick", action="store_true", help="only show that everything runs")
    parser.add_argument("--markdown", action="store_true", help="print the table for a README")
    options = parser.parse_args()
    if PROGRAM is None:
        parser.error("there is no chromium")
    with tempfile.TemporaryDirectory() as directory:
        recording = options.recording or recorded(Path(directory), 3 if options.quick else 300)
        table = measured(recording, Path(directory), quick=options.quick)
    print(table.to_markdown() if options.markdown else table.to_text())


def recorded(directory: Path, files: int) -> Path:
    """The recording of a real pipeline."""
    made = directory / "run.json"
    words = [sys.executable, str(EXAMPLE), "--limit", str(files), "--trace", str(made)]
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
    return made


def measured(recording: Path, directory: Path, *, quick: bool) -> Table:
    """What the browser tells of the page, of several times that it was opened."""
    trace = load(recording).trace
    page = directory / "run.html"
    began = time.perf_counter()
    size = write(trace, recording.name, str(page))
    took = time.perf_counter() - began
    with Browser() as browser:
        rounds = [opened(browser, page, 4 if quick else 80) for _ in range(1 if quick else 7)]
    draws, moves = ([one for it in rounds for one in it[name]] for name in ("draws", "moves"))
    table = Table(
        f"{len(trace.events):,} events in {len(trace.threads)} threads,"
        f" a page of {size / 1e6:.1f} MB that was made in {took:.1f} s",
        ["ms", "median", "longest"],
    )
    for title, mark in (
        ("from opening it to the first paint", "first-contentful-paint"),
        ("to the drawn time line", "time line drawn"),
        ("to the drawn call graph and tables", "all drawn"),
    ):
        add(table, title, [it["marks"][mark] for it in rounds])
    boxes = max(it["boxes"] for it in rounds)
    add(table, f"a step of zoom, drawn ({boxes:,} boxes at most)", draws)
    add(table, "a step of zoom, from the wheel to the screen", moves)
    add(table, "a search through all of it", [it["search"] for it in rounds])
    return table


def add(table: Table, title: str, milliseconds: list[float]) -> None:
    """Add a row."""
    table.add(title, f"{median(milliseconds):.1f}", f"{max(milliseconds):.1f}")


def opened(browser: Browser, page: Path, steps: int) -> dict[str, Any]:
    """The page opened anew, zoomed in and out, and searched."""
    browser.open(page)
    told: dict[str, Any] = browser.tell(MOVES % {"steps": steps, "searched": json.dumps(SEARCHED)})
    return {**told, "marks": browser.tell(MARKS)}


if __name__ == "__main__":
    main()
