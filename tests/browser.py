"""A headless browser, driven through a pipe by the DevTools protocol; nothing is downloaded."""

from __future__ import annotations

import base64
import itertools
import json
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

_FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",  # which no container lets it have
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--mute-audio",
)
_END = b"\0"
_CHUNK = 1 << 16


_SHELL = "/bin/bash"  # others know descriptors of one digit only
_FREE_FROM = 10
_BLANK = "about:blank"


def _out_of_the_way(descriptor: int) -> int:
    """A descriptor with a number that nothing else is going to have in the browser."""
    import fcntl

    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _FREE_FROM)
    os.close(descriptor)
    return moved


class BrowserError(Exception):
    """The browser said no, or nothing in time."""


class Browser:
    """A browser with one page, and what that page has asked for and complained of.

    Args:
        timeout: how many seconds to wait for any one answer.
        has_scroll_bars: whether there are scroll bars that take room.
    """

    def __init__(self, timeout: float = 15, *, has_scroll_bars: bool = False) -> None:
        assert PROGRAM is not None
        self._flags = [*_FLAGS, *([] if has_scroll_bars else ["--hide-scrollbars"])]
        self.timeout = timeout
        self.requests: list[str] = []
        """Every address that the page asked for, its own first."""
        self.complaints: list[str] = []
        """What was written to the console, or raised and caught by nobody."""
        self._numbers = itertools.count(1)
        self._pending = b""
        self._events: list[dict[str, Any]] = []
        self._session = ""
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._process = self._start(PROGRAM)

    def _start(self, program: str) -> subprocess.Popen[bytes]:
        read, self._write = map(_out_of_the_way, os.pipe())
        self._read, write = map(_out_of_the_way, os.pipe())
        # It reads what is asked of it from descriptor 3 and answers on 4.
        command = f'exec "$0" "$@" 3<&{read} 4>&{write} {read}<&- {write}>&-'
        started = subprocess.Popen(
            [
                _SHELL,
                "-c",
                command,
                program,
                *self._flags,
                f"--user-data-dir={self._profile.name}",
                _BLANK,
            ],
            pass_fds=(read, write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(read)
        os.close(write)
        return started

    def __enter__(self) -> Self:
        try:
            (page, *_) = (
                it for it in self.ask("Target.getTargets")["targetInfos"] if it["type"] == "page"
            )
            attached = self.ask("Target.attachToTarget", targetId=page["targetId"], flatten=True)
            self._session = attached["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                self.ask(f"{domain}.enable")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the browser, and all that it has started."""
        self._session = ""
        try:
            self.ask("Browser.close")
            self._process.wait(self.timeout)
        except (BrowserError, OSError, subprocess.TimeoutExpired):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(self.timeout)
        os.close(self._write)
        os.close(self._read)
        self._profile.cleanup()

    # The protocol -----------------------------------------------------------------------------

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Have something done; what it answers. Raises BrowserError."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + _END)
        deadline = time.monotonic() + self.timeout
        while True:
            answer = self._next(deadline, method)
            if answer.get("id") == number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']['message']}")
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def wait_for(self, event: str) -> dict[str, Any]:
        """The parameters of an event that has come, or is to come."""
        deadline = time.monotonic() + self.timeout
        while True:
            for place, known in enumerate(self._events):
                if known["method"] == event:
                    parameters: dict[str, Any] = self._events.pop(place)["params"]
                    return parameters
            self._note(self._next(deadline, event))

    def _next(self, deadline: float, awaited: str) -> dict[str, Any]:
        while _END not in self._pending:
            with selectors.DefaultSelector() as selector:
                selector.register(self._read, selectors.EVENT_READ)
                if not selector.select(max(0, deadline - time.monotonic())):
                    raise BrowserError(f"no {awaited} within {self.timeout} s")
            chunk = os.read(self._read, _CHUNK)
            if not chunk:
                raise BrowserError(f"the browser ended before {awaited}")
            self._pending += chunk
        text, _, self._pending = self._pending.partition(_END)
        message: dict[str, Any] = json.loads(text)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        method, told = message.get("method", ""), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(str([it.get("value") for it in told["args"]]))
        elif method == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            self.complaints.append(str(details.get("exception", details).get("description")))
        elif method == "Log.entryAdded":
            self.complaints.append(told["entry"]["text"])
        elif method:
            self._events.append(message)

    # What a person does -----------------------------------------------------------------------

    def open(
        self, page: Path, *, theme: str = "light", size: tuple[int, int] = (1280, 900)
    ) -> None:
        """Open a file in a window of a size, and wait until it says that it is ready.

        What was asked for and complained of before is forgotten.
        """
        self.requests.clear()
        self.complaints.clear()
        self.resize(*size)
        self.ask(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": theme}],
        )
        self.ask("Page.navigate", url=page.resolve().as_uri())
        self.wait_for("Page.loadEventFired")
        self.until("document.documentElement.dataset.ready !== undefined")

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    def tell(self, expression: str) -> Any:
        """The value of an expression in the page."""
        told = self.ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in told:
            raise BrowserError(f"{expression}: {told['exceptionDetails']}")
        return told["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait until a condition holds in the page."""
        deadline = time.monotonic() + self.timeout
        while not self.tell(f"Boolean({condition})"):
            if time.monotonic() > deadline:
                raise BrowserError(f"never held: {condition}")
            self.settle()

    def settle(self) -> None:
        """Wait until the page has drawn what it was about to draw."""
        self.tell("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")

    def press(self, key: str, **more: Any) -> None:
        """Press and release a key, given by its name in the DOM; of a letter, type it."""
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        code = {"windowsVirtualKeyCode": 13} if key == "Enter" else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, **text, **code, **more)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, **code, **more)
        self.settle()

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """Move or press the mouse, or turn its wheel: "Moved", "Pressed", "Released", "Wheel"."""
        self.ask("Input.dispatchMouseEvent", type=f"mouse{kind}", x=x, y=y, **more)

    def click(self, selector: str) -> None:
        """Click the middle of an element, which is scrolled into sight."""
        box = self.tell(
            f"(() => {{ const it = document.querySelector({json.dumps(selector)});"
            " it.scrollIntoView({block: 'center'}); const box = it.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("Pressed", "Released"):
            self.mouse(kind, *box, button="left", clickCount=1)
        self.settle()

    def screenshot(self, path: Path) -> None:
        """Write what is seen to a .png file."""
        shot = self.ask("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def grow(self, width: int) -> None:
        """Make the window as high as the page is at a width."""
        self.resize(width, 900)
        self.settle()
        self.resize(width, self.tell("document.documentElement.scrollHeight"))
        self.settle()

    def print(self) -> bytes:
        """The page as it is printed: a PDF."""
        return base64.b64decode(self.ask("Page.printToPDF", printBackground=False)["data"])
