"""The page of a recording in a real browser: what one sees, presses, finds and prints."""

from __future__ import annotations

import json
import random
import re
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from browser import PROGRAM, Browser
from genlock._page._render import write
from genlock._records import Site
from genlock._traces import _report_wording as wording
from genlock._traces._events import (
    Event,
    Failure,
    Trace,
    TracedGuard,
    TracedThread,
    Unfinished,
)
from subprocesses import run_program
from traces import drawn_trace

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="there is no chromium"),
    pytest.mark.skipif(sys.platform == "win32", reason="the pipe is one of POSIX"),
    pytest.mark.timeout(40),
]

EVIL = "</script><img src=x onerror=\"document.title='pwned'\">"
GUARDS = {
    name: TracedGuard(number, name, f"shop.{name}", "shop.py", number)
    for number, name in enumerate(["orders", "stock", "log", EVIL], 1)
}
MAIN, WORKER = TracedThread(1, "MainThread", 71), TracedThread(2, "worker-1", 72)
TEXT = "[GL001] 'log' was sent a value\n    → log  <b>shop.py:7</b>\n"

CANVAS = "document.querySelector('#canvas')"
IN_VIEW = "document.querySelector('#in-view').textContent"
DETAILS = "document.querySelector('#details').innerText"


def told(call: str, thread: TracedThread, line: int, begin: int, end: int, **more: Any) -> Event:
    """A call, in words: the guard, the operation, the outcome and perhaps the error."""
    name, operation, outcome, *error = call.split()
    facts: dict[str, Any] = {"operation": operation, "outcome": outcome, "error": "".join(error)}
    site = Site(f"/srv/shop{line}.py", line, "run", f"code_{line}()")
    guard = GUARDS[name] if name in GUARDS else GUARDS[EVIL]
    return Event(guard, thread, begin=begin, end=end, site=site, **facts, **more)


EVENTS = (
    told("stock send yielded", MAIN, 12, 2_000, 6_000),
    told("orders send yielded", MAIN, 31, 1_000, 10_000),
    told("orders send yielded", WORKER, 22, 30_000, 40_000),
    told("stock send yielded", WORKER, 32, 20_000, 60_000, waited=10_000),
    told("log send refused ReentrantCallError", MAIN, 7, 70_000, 70_000),
    told("log send raised KeyError", MAIN, 8, 65_000, 80_000),
    told("log send deferred", WORKER, 11, 90_000, 90_000),
    told("evil exclusive kept", MAIN, 9, 82_000, 99_000),
    told("evil next yielded", MAIN, 10, 85_000, 90_000, got=EVIL),
)
FAILURES = (
    Failure(
        "GL001", "ReentrantCallError", TEXT, guard="log", thread="MainThread", at=70_000, number=3
    ),
    Failure("GL011", "ValueError: generator already executing", "[GL011] it ended", "program"),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        forget = "try { localStorage.clear(); } catch {}"
        opened.ask("Page.addScriptToEvaluateOnNewDocument", source=forget)
        yield opened


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("page") / "shop.html"
    epoch = 1_700_000_000_000_000_000
    trace = Trace(EVENTS, dropped=1_234, pid=71, epoch=epoch, failures=FAILURES)
    write(trace, "shop.json", str(made))
    return made


@pytest.fixture
def page(browser: Browser, shop: Path) -> Browser:
    browser.open(shop)
    return browser


def text_of(browser: Browser, selector: str) -> Any:
    return browser.tell(f"document.querySelector({json.dumps(selector)}).innerText")


def colour_at(
    browser: Browser, microsecond: float, lane: int, depth: int = 0, down: int = 3
) -> Any:
    """The colour of a point of the time line, which shows all of the recording.

    `down` are the pixels from the top of the row.
    """
    return browser.tell(
        f"""(() => {{
            const canvas = {CANVAS};
            const gutter = Math.max(64, Math.min(170, Math.round(canvas.width * 0.16)));
            const share = ({microsecond} - 1 + 98 * 0.015) / (98 * 1.03);
            const top = 26 + 6 + {lane} * (2 * 20 + 12) + {depth} * 20;
            const x = gutter + share * (canvas.width - gutter);
            return [...canvas.getContext("2d").getImageData(x, top + {down}, 1, 1).data].join();
        }})()"""
    )


def search(browser: Browser, text: str) -> None:
    browser.tell(
        "(() => { const box = document.querySelector('#search'); box.focus();"
        f" box.value = {json.dumps(text)}; box.dispatchEvent(new Event('input')); }})()"
    )
    browser.settle()


def place(browser: Browser) -> tuple[float, float, float, float]:
    """Where the time line is: left, top, width and height."""
    left, top, width, height = browser.tell(
        f"(() => {{ {CANVAS}.scrollIntoView({{block: 'center'}});"
        f" const it = {CANVAS}.getBoundingClientRect();"
        " return [it.x, it.y, it.width, it.height]; })()"
    )
    return left, top, width, height


# What one sees ------------------------------------------------------------------------------------


def test_what_is_missing_and_what_was_found_stand_at_the_top(page: Browser) -> None:
    assert text_of(page, "h1") == "genlock shop.json"
    assert text_of(page, "#missing").startswith("Dropped: 1,234 older events")
    assert text_of(page, "#facts").endswith("2023-11-14 22:13:20 UTC")
    chips = text_of(page, "#summary").split("\n")
    assert chips[:6] == [
        "4 errors",
        "2 calls raised or refused",
        "1 call cycle",
        "1 possible call cycle",
        "1 inverted order",
        "1 call met a busy guard, waited 10 µs",
    ]


def test_errors_are_told_as_the_terminal_shows_them(page: Browser) -> None:
    texts = page.tell("[...document.querySelectorAll('#failures pre')].map((it) => it.textContent)")
    assert texts == [TEXT, "[GL011] it ended"]  # the first to come up comes first
    told = text_of(page, "#failures details:nth-of-type(1) summary")
    assert "3 times in all, in MainThread, refused at 69.0 µs" in told
    assert "KeyError\traised by shop.log\tshop8.py:8\t1 \u00d7" in text_of(page, "#troubles")


def test_calls_and_waits_have_their_places(page: Browser) -> None:
    nothing = colour_at(page, 62, 0)
    inside, deeper = colour_at(page, 8, 0), colour_at(page, 3, 0, 1)
    assert len({nothing, inside, deeper}) == 3
    assert colour_at(page, 58, 1) == deeper  # the same coroutine in another thread
    assert colour_at(page, 15, 1) not in (nothing, inside, deeper)  # it waits
    assert colour_at(page, 35, 1, 1) == inside


def test_what_failed_and_what_was_put_off_is_marked(page: Browser) -> None:
    assert colour_at(page, 70, 0, 1, down=9) == "179,38,30,255"
    assert colour_at(page, 80, 0, 0, down=9) == "179,38,30,255"
    assert colour_at(page, 90, 1, 0, down=9) == "36,86,197,255"


def test_an_arrow_leads_where_a_coroutine_went_on_in_another_thread(page: Browser) -> None:
    head = 30 - 0.3, 1, 1
    assert colour_at(page, *head, down=8) == "36,86,197,255"
    page.click("#arrows")
    assert colour_at(page, *head, down=8) != "36,86,197,255"


def test_the_call_graph_marks_what_comes_back_and_what_is_inverted(page: Browser) -> None:
    kinds = page.tell("[...document.querySelectorAll('.edge')].map((it) => it.textContent)")
    assert any("⟲? ⇄ 1 \u00d7" in it and "stock → orders" in it for it in kinds)
    assert "orders → stock  shop12.py:12  (MainThread)" in text_of(page, ".finding.inversion")
    assert "Call cycle: log → log" in text_of(page, ".finding.cycle")


def test_a_name_that_looks_like_html_stays_text(page: Browser) -> None:
    assert page.tell("document.images.length") == 0
    assert page.tell("document.title") == "shop.json: genlock report"
    assert EVIL in text_of(page, "#table")
    search(page, "onerror")
    page.press("Enter")
    assert EVIL in page.tell(DETAILS)
    assert text_of(page, "#details dl").count("onerror") >= 1
    assert page.tell("document.images.length") == 0


def test_it_asks_nobody_and_complains_of_nothing(browser: Browser, shop: Path) -> None:
    browser.open(shop)
    browser.click("#theme")
    browser.click("#fit")
    assert browser.requests == [shop.resolve().as_uri()]
    assert browser.complaints == []


def test_it_could_ask_nobody(page: Browser) -> None:
    refused = page.tell("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')")
    assert refused == "refused"
    assert "Content Security Policy" in page.complaints[-1]
    page.complaints.clear()


@pytest.mark.parametrize("trace", [Trace(), drawn_trace(3, calls=2)], ids=["empty", "few"])
def test_a_recording_of_next_to_nothing_is_shown(
    browser: Browser, tmp_path: Path, trace: Trace
) -> None:
    made = tmp_path / "run.html"
    write(trace, "run.json", str(made))
    browser.open(made)
    browser.tell(f"{CANVAS}.focus()")
    for key in "wsadnp0":
        browser.press(key)
    browser.press("Enter")
    assert browser.complaints == []
    if not trace.events:
        assert text_of(browser, "#table") == "No calls."


def opened(browser: Browser, tmp_path: Path, *events: Event, **more: Any) -> None:
    """Open the page of a trace."""
    made = tmp_path / "run.html"
    write(Trace(events, pid=71, **more), "run.json", str(made))
    browser.open(made)


def test_what_was_under_way_at_the_end_is_told(browser: Browser, tmp_path: Path) -> None:
    standing = Unfinished("stock", "worker-1", "send", is_waiting=True, waited=2_000_000_000)
    opened(browser, tmp_path, EVENTS[0], unfinished=(standing,))
    assert text_of(browser, "#missing").splitlines() == [
        "Unfinished: 1 call was under way still when the recording ended.",
        "    worker-1 waits for stock, for 2 s so far",
    ]
    assert text_of(browser, "#summary").split("\n")[0].startswith("1 call under way at the end")
    assert "no waits" not in text_of(browser, "#summary")
    assert "No call cycle in what is shown." in text_of(browser, "#findings")


def test_a_clean_verdict_is_of_what_is_shown(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, EVENTS[0])
    assert "No errors, no cycles, no waits" in text_of(browser, "#summary")
    assert "in what is shown" not in text_of(browser, "#summary")
    opened(browser, tmp_path, EVENTS[0], dropped=3)
    assert "No errors, no cycles, no waits in what is shown" in text_of(browser, "#summary")


def test_a_recording_without_calls_says_how_to_get_some(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, epoch=1_700_000_000_000_000_000)
    assert text_of(browser, "main").strip() == ""
    assert "genlock run --guard module:function" in text_of(browser, "body")
    assert "UTC" not in text_of(browser, "body")
    assert "in view" not in text_of(browser, "body")


def test_a_refused_call_is_told_with_the_same_moments_wherever_that_is(
    browser: Browser, tmp_path: Path
) -> None:
    call = told("log send refused DeadlockError", MAIN, 7, 3_588_338, 3_588_338, waited=2_580_014)
    failure = Failure("GL003", "DeadlockError", "why", guard="log", thread="MainThread")
    opened(browser, tmp_path, EVENTS[0], call, failures=(replace(failure, at=3_539_354),))
    moments = "asked at 1.01 ms, waited 2.58 ms, refused at 3.59 ms"
    assert moments in text_of(browser, "#failures summary")
    browser.click("#failures .buttons button")
    assert f"when\n{moments}" in browser.tell(DETAILS)


def test_an_error_before_what_is_left_has_no_moment(browser: Browser, tmp_path: Path) -> None:
    failure = Failure("GL001", "ReentrantCallError", "why", guard="log", at=1)
    opened(browser, tmp_path, EVENTS[0], failures=(failure,))
    assert text_of(browser, "#failures summary").endswith("before what is shown")


def test_many_errors_are_told_when_asked_for(browser: Browser, tmp_path: Path) -> None:
    failures = [Failure("GL001", "ReentrantCallError", str(at), at=at) for at in range(1, 31)]
    opened(browser, tmp_path, EVENTS[0], failures=tuple(failures))
    cards = "document.querySelectorAll('#failures details').length"
    assert text_of(browser, "#summary").startswith("30 errors")
    assert browser.tell(cards) == 20
    assert text_of(browser, "#more-errors") == "Show 10 more errors"
    browser.click("#more-errors")
    assert browser.tell(cards) == 30
    assert browser.tell("document.querySelector('#more-errors').hidden")


ENDS_OF_LOOP = """
[...document.querySelectorAll('.edge.cycle path')].map((path) => {
    const ends = [0, path.getTotalLength()].map((it) => path.getPointAtLength(it));
    const boxes = [...document.querySelectorAll('.node rect:first-of-type')]
        .map((it) => it.getBBox());
    const gap = (it, box) => Math.hypot(
        Math.max(box.x - it.x, 0, it.x - box.x - box.width),
        Math.max(box.y - it.y, 0, it.y - box.y - box.height));
    const middle = path.getPointAtLength(path.getTotalLength() / 2);
    const near = (it) => Math.min(...boxes.map((box) => gap(it, box)));
    return [...ends, middle].map(near).concat(path.getBBox().width * path.getBBox().height);
})
"""


@pytest.mark.parametrize("width", [1280, 400])
def test_a_coroutine_that_came_back_to_itself_has_a_loop(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    chain = [TracedGuard(number, f"stage-{number}") for number in range(3)]
    events = [
        Event(guard, MAIN, "send", 1_000 + guard.number, 9_000 - guard.number) for guard in chain
    ][::-1]
    again = Event(chain[-1], MAIN, "send", 5_000, 5_000, "refused", "ReentrantCallError")
    opened(browser, tmp_path, again, *events)
    browser.resize(width, 900)
    browser.click("[name=by][value=function]")
    browser.click("[name=by][value=guard]")
    (loop,) = browser.tell(ENDS_OF_LOOP)
    begin, end, middle, area = loop
    assert max(begin, end) < 1
    assert middle > 15
    assert area > 300
    is_high = browser.tell("(({ width, height }) => height.baseVal.value > width.baseVal.value)"
                           "(document.querySelector('#graph svg'))")  # fmt: skip
    assert is_high == (width == 400)


def test_labels_of_links_lie_on_them(page: Browser) -> None:
    gaps = page.tell(
        """
        [...document.querySelectorAll('.edge')].map((edge) => {
            const path = edge.querySelector('path');
            const label = edge.querySelector('rect').getBBox();
            const [x, y] = [label.x + label.width / 2, label.y + label.height / 2];
            const length = path.getTotalLength();
            const points = Array.from({ length: 201 }, (_, it) =>
                path.getPointAtLength(length * it / 200));
            return Math.min(...points.map((it) => Math.hypot(it.x - x, it.y - y)));
        })
        """
    )
    assert len(gaps) == 3
    assert max(gaps) < 12


def test_the_lines_of_all_links_can_be_read(page: Browser) -> None:
    page.tell("document.querySelector('#links summary').focus()")
    page.press("Enter")
    assert page.tell("document.querySelector('#links').open")
    assert "orders\t⟲? ⇄ stock\t1 \u00d7\t4 µs\tshop12.py:12\tMainThread" in text_of(page, "#links")


def test_what_was_found_stays_whatever_the_boxes_are_for(page: Browser) -> None:
    before = text_of(page, "#summary"), text_of(page, "#findings")
    page.click("[name=by][value=function]")
    assert (text_of(page, "#summary"), text_of(page, "#findings")) == before


def test_guards_of_one_function_have_shades_of_one_colour(browser: Browser, tmp_path: Path) -> None:
    guards = [TracedGuard(number, "stage", "demo.stage") for number in (1, 2, 3)]
    calls = [
        Event(guard, MAIN, "send", 1_000 + at * 30_000, 1_000 + at * 30_000 + 25_000)
        for at, guard in enumerate(guards)
    ]
    opened(browser, tmp_path, *calls, Event(GUARDS["log"], WORKER, "send", 98_000, 99_000))
    colours = [colour_at(browser, middle, 0) for middle in (13, 43, 73)]
    assert len(set(colours)) == 3


def test_a_wait_has_the_colour_of_what_it_waits_for_at_its_foot(page: Browser) -> None:
    assert colour_at(page, 15, 1, down=15) == colour_at(page, 58, 1)
    assert colour_at(page, 15, 1, down=8) != colour_at(page, 58, 1)


WORDS = (files("genlock._page") / "assets" / "words.js").read_text("utf-8")


def in_words(browser: Browser, expression: str) -> Any:
    """What the functions that put figures into words make of them."""
    return browser.tell(f"(() => {{ {WORDS}\nreturn {expression}; }})()")


def test_durations_are_those_of_the_terminal(page: Browser) -> None:
    chance = random.Random(7)
    numbers = [round(10 ** chance.uniform(0, 18)) for _ in range(2_000)]
    numbers += [999, 1_000, 999_499, 999_500, 999_600, 1_125, 2_500, 59_499_999_999, 10**18]
    shown = in_words(page, f"{numbers}.map((it) => duration(it))")
    assert shown == [wording.duration(number) for number in numbers]


@pytest.mark.parametrize(
    ("moment", "step", "text"),
    [
        (3_592_338, 1_000, "3.592 ms"),
        (83_456_000, 100_000, "83.5 ms"),
        (3_600_000_000_000, 1_000_000_000, "1 h"),
        (3_725_250_000_000, 10_000_000, "1 h 2 min 5.25 s"),
        (90_000_000_000_000, 3_600_000_000_000, "1 d 1 h"),
        (0, 3_600_000_000_000, "0 ms"),
    ],
)
def test_moments_are_as_exact_as_they_have_to_be(
    page: Browser, moment: int, step: int, text: str
) -> None:
    if moment:
        assert in_words(page, f"moment({moment}, {step})") == text
    else:
        assert in_words(page, f"moment(0, {step}, 1e15)") == "0 s"


def test_deep_in_a_long_recording_moments_are_told_from_a_nearer_one_on(
    browser: Browser, tmp_path: Path
) -> None:
    hour = 3_600_000_000_000
    calls = [
        Event(GUARDS["log"], MAIN, "send", at * hour + 1, at * hour + 1_000) for at in range(102)
    ]
    opened(browser, tmp_path, *calls)
    assert text_of(browser, "#in-view") == "4 d 8 h in view"
    browser.tell(f"{CANVAS}.focus()")
    browser.press("n")
    for _ in range(5):
        browser.press("n")
    browser.press("Enter")
    assert text_of(browser, "#in-view") == "1.5 µs in view, from 4 h 59 min 59.9998 s on"


# Themes -------------------------------------------------------------------------------------------


def brightness(browser: Browser) -> list[int]:
    """How bright the page and the time line are."""
    told = browser.tell(
        "[getComputedStyle(document.body).backgroundColor,"
        f" {CANVAS}.getContext('2d').getImageData(3, 40, 1, 1).data.join()]"
    )
    return [sum(int(it) for it in text.strip("rgb()").split(",")[:3]) for text in told]


def test_it_follows_the_theme_of_the_system(browser: Browser, shop: Path) -> None:
    browser.open(shop, theme="dark")
    assert max(brightness(browser)) < 200
    browser.open(shop, theme="light")
    assert min(brightness(browser)) > 600


def test_the_theme_can_be_chosen(page: Browser) -> None:
    assert text_of(page, "#theme") == "◐ Auto"
    page.click("#theme")
    page.click("#theme")
    assert text_of(page, "#theme") == "☾ Dark"
    assert max(brightness(page)) < 200
    page.click("#theme")
    assert min(brightness(page)) > 600


# Zoom and pan -------------------------------------------------------------------------------------


def test_it_zooms_by_keys_buttons_and_wheel(page: Browser) -> None:
    whole = page.tell(IN_VIEW)
    assert whole == "101 µs in view"
    page.tell(f"{CANVAS}.focus()")
    page.press("+")
    assert page.tell(IN_VIEW) == "60.6 µs in view"
    page.press("-")
    assert page.tell(IN_VIEW) == whole
    page.click("#zoom-in")
    assert page.tell(IN_VIEW) == "50.5 µs in view"
    page.click("#fit")
    assert page.tell(IN_VIEW) == whole
    left, top, width, height = place(page)
    page.mouse("Wheel", left + width / 2, top + height / 2, deltaX=0, deltaY=-200, modifiers=2)
    page.until(f"{IN_VIEW} !== '101 µs in view'")
    assert page.tell(IN_VIEW).endswith(" µs in view")


def test_the_wheel_alone_scrolls_the_page(page: Browser) -> None:
    left, top, width, height = place(page)
    before = page.tell("scrollY")
    page.mouse("Wheel", left + width / 2, top + height / 2, deltaX=0, deltaY=-200)
    page.until(f"scrollY < {before}")
    assert page.tell(IN_VIEW) == "101 µs in view"


def test_a_drag_moves_it_and_one_with_shift_shows_a_stretch(page: Browser) -> None:
    left, top, width, height = place(page)
    middle = top + height - 5
    drag(page, left + width * 0.4, left + width * 0.6, middle, shift=True)
    assert page.tell(IN_VIEW) != "101 µs in view"
    assert "orders\t1\t" in page.tell(DETAILS)
    assert "stock\t1\t" in page.tell(DETAILS)
    before = page.tell(f"{CANVAS}.toDataURL()")
    drag(page, left + width * 0.4, left + width * 0.6, middle)
    assert page.tell(f"{CANVAS}.toDataURL()") != before


def drag(browser: Browser, start: float, end: float, y: float, *, shift: bool = False) -> None:
    held: dict[str, Any] = {"button": "left", "buttons": 1, "modifiers": 8 if shift else 0}
    browser.mouse("Pressed", start, y, clickCount=1, **held)
    browser.mouse("Moved", (start + end) / 2, y, **held)
    browser.mouse("Moved", end, y, **held)
    browser.mouse("Released", end, y, clickCount=1, **held)
    browser.settle()
    browser.settle()


def test_a_drag_with_shift_straight_down_marks_nothing(page: Browser) -> None:
    left, top, width, height = place(page)
    held: dict[str, Any] = {"button": "left", "buttons": 1, "modifiers": 8}
    page.mouse("Pressed", left + width / 2, top + 40, clickCount=1, **held)
    page.mouse("Moved", left + width / 2, top + height - 5, **held)
    page.mouse("Released", left + width / 2, top + height - 5, clickCount=1, **held)
    page.settle()
    assert page.tell(IN_VIEW) == "101 µs in view"


def test_the_sum_of_a_stretch_is_scrolled_into_sight(page: Browser) -> None:
    page.resize(1280, 300)
    left, top, width, height = place(page)
    drag(page, left + width * 0.4, left + width * 0.6, top + height - 5, shift=True)
    box = "document.querySelector('#details').getBoundingClientRect()"
    assert page.tell(f"{box}.top >= 0 && {box}.top < innerHeight")


def test_keys_zoom_wherever_one_is_but_where_one_types(page: Browser) -> None:
    page.press("+")
    assert page.tell(IN_VIEW) == "60.6 µs in view"
    page.press("0")
    page.tell("document.querySelector('#table button').focus()")
    page.press("+")
    assert page.tell(IN_VIEW) == "60.6 µs in view"
    page.press("0")
    page.press("/")
    for key in "+n":
        page.press(key)
    assert page.tell("document.querySelector('#search').value") == "+n"
    assert page.tell(IN_VIEW) == "101 µs in view"


def test_scroll_bars_hide_no_call(tmp_path: Path, shop: Path) -> None:
    with Browser(has_scroll_bars=True) as browser:
        browser.open(shop, size=(1280, 500))
        assert browser.tell("innerWidth - document.documentElement.clientWidth") > 0
        lanes = "document.querySelector('#lanes')"
        assert browser.tell(f"{CANVAS}.clientWidth <= {lanes}.clientWidth")
        threads = [TracedThread(number, f"thread-{number}", number) for number in range(1, 61)]
        events = [Event(GUARDS["stock"], it, "send", it.number, it.number + 9) for it in threads]
        opened(browser, tmp_path, *events)
        assert browser.tell(f"{lanes}.offsetWidth - {lanes}.clientWidth") > 2
        assert browser.tell(f"{CANVAS}.clientWidth <= {lanes}.clientWidth")


def test_it_fits_a_narrow_window(page: Browser) -> None:
    page.resize(420, 800)
    page.settle()
    page.settle()
    assert page.tell("document.documentElement.scrollWidth") <= 420
    assert page.tell(f"{CANVAS}.clientWidth") <= 420


# One call -----------------------------------------------------------------------------------------


def test_the_pointer_tells_of_the_call_below_it(page: Browser) -> None:
    left, top, width, _ = place(page)
    gutter = max(64, min(170, round(width * 0.16)))
    x = left + gutter + (width - gutter) * (8 - 1 + 98 * 0.015) / (98 * 1.03)
    page.mouse("Moved", x, top + 26 + 6 + 8)
    page.until("!document.querySelector('#tooltip').hidden")
    told = text_of(page, "#tooltip")
    assert told.startswith("orders: send")
    assert "/srv/shop31.py:31 in run" in told
    assert "code_31()" in told
    assert "9 µs" in told
    page.mouse("Moved", left + 5, top + 5)
    page.until("document.querySelector('#tooltip').hidden")


def test_the_keys_go_from_call_to_call(page: Browser) -> None:
    page.tell(f"{CANVAS}.focus()")
    page.press("n")
    assert page.tell(DETAILS).startswith("orders: send")
    page.press("ArrowDown")
    assert page.tell(DETAILS).startswith("stock: send")
    assert "inside of\norders" in page.tell(DETAILS)
    page.press("ArrowUp")
    assert page.tell(DETAILS).startswith("orders: send")
    page.press("Escape")
    assert page.tell("document.querySelector('#details').hidden")


def test_a_call_that_found_the_generator_ended_is_told_as_none(
    browser: Browser, tmp_path: Path
) -> None:
    events = (
        told("stock next returned", MAIN, 11, 1_000, 5_000),
        told("stock next ended", MAIN, 12, 20_000, 30_000),
    )
    opened(browser, tmp_path, *events)
    search(browser, "shop12.py:12")
    browser.press("Enter")
    details = browser.tell(DETAILS)
    assert "nothing ran" in details
    assert "called at 19.0 µs" in details
    assert "inside\n" not in details
    (row,) = [it for it in text_of(browser, "#table tbody").splitlines() if "stock" in it]
    assert row.split()[1:4] == ["1", "4", "µs"]


def test_buttons_lead_along_a_coroutine(page: Browser) -> None:
    search(page, "shop12.py:12")
    page.press("Enter")
    page.click("#details button:nth-of-type(2)")
    assert "waited\n10 µs" in page.tell(DETAILS)
    assert "worker-1" in page.tell(DETAILS)
    assert page.tell("document.querySelector('#details button:nth-of-type(2)').disabled")


def test_the_focus_stays_on_the_way_that_one_goes(page: Browser) -> None:
    search(page, "shop12.py:12")
    page.press("Enter")
    page.tell("document.querySelector('#details button:nth-of-type(2)').focus()")
    page.press("Enter")
    assert "waited\n10 µs" in page.tell(DETAILS)
    assert page.tell("document.querySelector('#details').contains(document.activeElement)")


def test_in_a_dense_part_the_pointer_finds_the_call_that_failed(
    browser: Browser, tmp_path: Path
) -> None:
    guard = GUARDS["stock"]
    events = [Event(guard, MAIN, "send", at, at + 9) for at in range(0, 1_000_000, 10)]
    events[50_003] = replace(events[50_003], outcome="raised", error="KeyError")
    opened(browser, tmp_path, *events)
    left, top, width, _ = place(browser)
    gutter = max(64, min(170, round(width * 0.16)))
    x = left + gutter + (width - gutter) * (0.50003 + 0.015) / 1.03 - 2
    browser.mouse("Moved", x, top + 26 + 6 + 8)
    browser.until("!document.querySelector('#tooltip').hidden")
    assert "raised KeyError" in text_of(browser, "#tooltip")
    assert "more calls here: zoom in" in text_of(browser, "#tooltip")


# Search -------------------------------------------------------------------------------------------


def test_a_search_tells_how_many_it_found_and_goes_to_them(page: Browser) -> None:
    page.press("/")
    assert page.tell("document.activeElement.id") == "search"
    search(page, "stock")
    assert text_of(page, "#found") == "2 calls found"
    page.press("Enter")
    assert "/srv/shop12.py:12" in page.tell(DETAILS)
    page.press("Enter")
    assert "/srv/shop32.py:32" in page.tell(DETAILS)
    page.press("Enter")
    assert "/srv/shop12.py:12" in page.tell(DETAILS)
    search(page, "no such thing")
    assert text_of(page, "#found") == "nothing found"
    assert page.tell("document.querySelector('#found-next').disabled")


def test_what_is_not_found_fades(page: Browser) -> None:
    before = colour_at(page, 8, 0), colour_at(page, 3, 0, 1)
    search(page, "stock send")
    after = colour_at(page, 8, 0), colour_at(page, 3, 0, 1)
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_an_error_is_found_from_its_line(page: Browser) -> None:
    page.click("#troubles tbody button")
    assert text_of(page, "#found") == "1 call found"
    assert page.tell(DETAILS).startswith("log: send")


def test_what_is_found_from_a_row_is_of_that_row_alone(browser: Browser, tmp_path: Path) -> None:
    guards = [TracedGuard(number, "stock", "shop.stock") for number in range(1, 13)]
    events = [
        Event(guard, MAIN, "send", guard.number * 100, guard.number * 110) for guard in guards
    ]
    opened(browser, tmp_path, *events)
    browser.click("#table tbody tr:last-child button")
    assert browser.tell("document.querySelector('#search').value") == "stock#1"
    assert text_of(browser, "#found") == "1 call found"
    assert browser.tell(f"document.activeElement === {CANVAS}")
    search(browser, "stock#1")
    assert text_of(browser, "#found") == "4 calls found"


# The table ----------------------------------------------------------------------------------------


def first_names(browser: Browser) -> Any:
    return browser.tell(
        "[...document.querySelectorAll('#table tbody th')].map((it) => it.innerText)"
    )


def test_the_table_is_sorted_by_any_column(page: Browser) -> None:
    assert first_names(page)[0] == "stock"
    page.click("#table th:nth-child(1) button")
    assert first_names(page)[1:] == ["log", "orders", "stock"]
    assert page.tell("document.querySelector('#table th').ariaSort") == "ascending"
    page.click("#table th:nth-child(1) button")
    assert first_names(page)[:3] == ["stock", "orders", "log"]
    page.click("#table th:nth-child(4) button")
    assert first_names(page)[0] == "stock"


def test_figures_are_sorted_as_figures_and_drawn_as_bars(browser: Browser, tmp_path: Path) -> None:
    took = {"orders": 900, "stock": 1_000, "log": 20_000}
    calls = [
        Event(GUARDS[name], MAIN, "send", at * 30_000, at * 30_000 + took[name])
        for at, name in enumerate(took)
    ]
    opened(browser, tmp_path, *calls)
    assert first_names(browser) == ["log", "stock", "orders"]
    browser.click("#table th:nth-child(3) button")
    assert first_names(browser) == ["orders", "stock", "log"]
    shares = browser.tell(
        "[...document.querySelectorAll('#table .bar')]"
        ".map((it) => parseFloat(it.style.getPropertyValue('--share')))"
    )
    assert shares == pytest.approx([4.5, 5, 100])


def test_a_box_of_the_graph_finds_its_calls(page: Browser) -> None:
    page.tell(
        "document.querySelectorAll('.node').forEach((it) =>"
        " it.textContent.startsWith('stock') && it.setAttribute('id', 'wanted'))"
    )
    page.click("#wanted")
    assert text_of(page, "#found") == "2 calls found"
    page.tell("document.querySelector('#wanted').focus()")
    page.press("Enter")
    assert text_of(page, "#found") == "2 calls found"


def test_the_overview_shows_where_calls_are_and_moves_the_view(page: Browser) -> None:
    pixels = (
        "(() => { const it = document.querySelector('#overview'); const all = it.getContext('2d')"
        ".getImageData(0, 0, it.width, it.height).data; const seen = new Set();"
        " for (let at = 0; at < all.length; at += 4) seen.add(all.slice(at, at + 4).join());"
        " return seen.size; })()"
    )
    assert page.tell(pixels) > 3
    for _ in range(3):
        page.click("#zoom-in")
    before = page.tell(f"{CANVAS}.toDataURL()")
    left, top, width = page.tell(
        "(() => { const it = document.querySelector('#overview').getBoundingClientRect();"
        " return [it.x, it.y, it.width]; })()"
    )
    drag(page, left + width * 0.57, left + width * 0.7, top + 20)
    assert page.tell(IN_VIEW) == "12.6 µs in view"
    assert page.tell(f"{CANVAS}.toDataURL()") != before


def test_rows_can_be_those_of_functions(page: Browser) -> None:
    page.click("[name=by][value=function]")
    assert "shop.stock" in first_names(page)
    assert "shop.orders → shop.stock" in page.tell("document.querySelector('#graph').textContent")


# Paper --------------------------------------------------------------------------------------------


def test_it_prints_in_the_light_theme_and_goes_back(browser: Browser, shop: Path) -> None:
    browser.open(shop, theme="dark")
    browser.tell(
        "addEventListener('beforeprint', () => { window.printed = [document"
        ".documentElement.dataset.theme, document.querySelector('details').open]; })"
    )
    browser.tell("document.querySelector('details').open = false")
    pdf = browser.print()
    assert pdf.startswith(b"%PDF")
    assert browser.tell("window.printed") == ["light", True]
    assert browser.tell("document.documentElement.dataset.theme") == "dark"
    browser.ask("Emulation.setEmulatedMedia", media="print")
    assert browser.tell("getComputedStyle(document.querySelector('.toolbar')).display") == "none"
    browser.ask("Emulation.setEmulatedMedia", media="")


def test_a_long_time_line_is_printed_in_pieces_and_wastes_no_pages(
    browser: Browser, tmp_path: Path
) -> None:
    threads = [TracedThread(number, f"thread-{number}", number) for number in range(1, 61)]
    guards = [TracedGuard(number, f"stage-{number}") for number in range(150)]
    events = [Event(guards[0], it, "send", it.number * 100, it.number * 110) for it in threads]
    opened(browser, tmp_path, *events)
    browser.tell(
        "addEventListener('beforeprint', () => { window.heights ="
        " [...document.querySelectorAll('#paper canvas')].map((it) => it.height); })"
    )
    pdf = browser.print()
    heights = browser.tell("window.heights")
    assert max(heights) <= 300 + 26
    assert sum(heights) - 26 * len(heights) >= 60 * 32
    assert len(re.findall(rb"/Type /Page\b", pdf)) <= 4
    assert browser.tell("document.querySelectorAll('#paper canvas').length") == 0
    deep = [Event(it, MAIN, "send", 1_000 + it.number, 9_000 - it.number) for it in guards][::-1]
    opened(browser, tmp_path, *deep)
    assert len(re.findall(rb"/Type /Page\b", browser.print())) <= 13


def test_printing_changes_nothing_for_good(browser: Browser, tmp_path: Path) -> None:
    guards = [TracedGuard(number, f"stage-{number}") for number in range(130)]
    events = [Event(it, MAIN, "send", it.number * 100, it.number * 100 + 9) for it in guards]
    opened(browser, tmp_path, *events, Event(guards[1], MAIN, "send", 105, 106))
    rows = "document.querySelectorAll('#table tbody tr').length"
    browser.tell(f"addEventListener('beforeprint', () => {{ window.rows = {rows}; }})")
    before = browser.tell(f"[{rows}, document.querySelectorAll('details[open]').length]")
    shown = browser.tell(f"{CANVAS}.toDataURL()")
    browser.print()
    browser.settle()
    assert browser.tell("window.rows") == 130
    assert before == [100, 0]
    assert browser.tell(f"[{rows}, document.querySelectorAll('details[open]').length]") == before
    assert browser.tell(f"{CANVAS}.toDataURL()") == shown


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_where_no_script_may_run_it_says_that_alone(
    browser: Browser, shop: Path, theme: str
) -> None:
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        features = [{"name": "prefers-color-scheme", "value": theme}]
        browser.ask("Emulation.setEmulatedMedia", features=features)
        browser.ask("Page.navigate", url=shop.resolve().as_uri())
        browser.wait_for("Page.loadEventFired")
        shown = text_of(browser, "body").strip()
        assert shown.startswith("This page draws what it holds with a script of its own")
        assert shown.count("\n") == 0
        colour = browser.tell("getComputedStyle(document.body).backgroundColor")
        assert (colour == "rgb(255, 255, 255)") == (theme == "light")
    finally:
        browser.ask("Emulation.setScriptExecutionDisabled", value=False)


# Many calls ---------------------------------------------------------------------------------------


def test_no_more_is_drawn_than_can_be_seen(browser: Browser, tmp_path: Path) -> None:
    made = tmp_path / "run.html"
    guard = GUARDS["stock"]
    events = [
        Event(guard, MAIN, "send", begin, begin + 90, site=EVENTS[0].site)
        for begin in range(0, 3_000_000, 100)
    ]
    events[20_000] = replace(events[20_000], outcome="raised", error="KeyError")
    write(Trace(tuple(events), pid=71), "run.json", str(made))
    browser.open(made)
    browser.tell(
        f"{CANVAS}.addEventListener('drawn', (it) => {{ window.boxes = it.detail.boxes; }})"
    )
    browser.click("#fit")
    assert 100 < browser.tell("window.boxes") < 700
    assert "30,000 events" in text_of(browser, "#facts")
    search(browser, "KeyError")
    browser.press("Enter")
    assert 1 <= browser.tell("window.boxes") < 30
    assert "raised KeyError" in browser.tell(DETAILS)


def test_a_dense_graph_is_cut_to_what_can_be_read(browser: Browser, tmp_path: Path) -> None:
    made = tmp_path / "run.html"
    guards = [TracedGuard(number, f"stage-{number}") for number in range(40)]
    pairs = [(one, other) for one in guards for other in guards if one.number < other.number]
    events = []
    for at, (one, other) in enumerate(pairs):
        begin = at * 100
        events.append(Event(other, MAIN, "send", begin + 10, begin + 20))
        events.append(Event(one, MAIN, "send", begin, begin + 50))
    last = 100 * len(pairs)
    events += [Event(guards[0], MAIN, "send", last + 1, last + 2)]
    events += [Event(guards[39], MAIN, "send", last, last + 3)]
    write(Trace(tuple(events), pid=71), "run.json", str(made))
    browser.open(made)
    assert browser.tell("document.querySelectorAll('.edge').length") == 120
    assert browser.tell("document.querySelectorAll('.edge.possible').length") == 3
    assert f"Not drawn: {len(pairs) + 1 - 120} links" in text_of(browser, "#graph")


def test_what_is_found_in_a_lane_out_of_sight_is_scrolled_to(
    browser: Browser, tmp_path: Path
) -> None:
    made = tmp_path / "run.html"
    threads = [TracedThread(number, f"thread-{number}", number) for number in range(1, 61)]
    events = [
        Event(GUARDS["stock"], thread, "send", thread.number * 100, thread.number * 100 + 90)
        for thread in threads
    ]
    write(Trace(tuple(events), pid=71), "run.json", str(made))
    browser.open(made)
    lanes = "document.querySelector('#lanes')"
    assert browser.tell(f"{lanes}.scrollHeight > 2 * {lanes}.clientHeight")
    search(browser, "thread-55")
    browser.press("Enter")
    assert browser.tell(f"{lanes}.scrollTop") > 1000
    assert "thread-55" in browser.tell(DETAILS)


def test_the_benchmark_prints_a_whole_table() -> None:
    bench = Path(__file__).parent / "bench" / "bench_page.py"
    ran = run_program(bench, "--quick", "--markdown")
    assert (ran.returncode, ran.stderr) == (0, "")
    title, _, head, rule, *rows = ran.stdout.splitlines()
    assert " events in " in title
    assert (head, rule, len(rows)) == ("| ms | median | longest |", "| --- | ---: | ---: |", 6)
    assert all(float(cell) > 0 for row in rows for cell in row.split("|")[2:4])
