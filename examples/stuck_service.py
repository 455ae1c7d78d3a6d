"""A web service that has come to a standstill, asked from outside who holds it up.

Requests come in threads of their own and share one pipeline: a check, and a ledger that writes
orders to tape. An order for "stall" makes the tape jam until somebody calls /resume.

    python examples/stuck_service.py            # service, load, standstill, dump, and on it goes
    python examples/stuck_service.py --serve    # the service alone, to try `genlock dump PID` on
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import urlopen

import genlock

REQUESTS = 5
LONGEST = 30.0
"""Seconds after which everything here gives up."""

tape_runs = threading.Event()
tape_runs.set()


def write_to_tape(order: str) -> None:
    if order == "stall":
        tape_runs.clear()
    tape_runs.wait(LONGEST)


@genlock.coroutine(warn_after=None)
def ledger() -> Generator[int, str, None]:
    """Write each order down, and give its number."""
    count = 0
    while True:
        order = yield count
        write_to_tape(order)
        count += 1


@genlock.coroutine(warn_after=None)
def check(target: Generator[int, str, None]) -> Generator[int, str, None]:
    """Pass on what is an order."""
    number = 0
    while True:
        order = yield number
        if order.isalpha():
            number = target.send(order)


pipeline = check(ledger())


class Orders(BaseHTTPRequestHandler):
    """GET /order/tea orders tea; /tape tells of the tape; /resume gets it going again."""

    def do_GET(self) -> None:
        threading.current_thread().name = f"GET {self.path}"
        if self.path == "/resume":
            tape_runs.set()
            answer = "resumed"
        elif self.path == "/tape":
            answer = "runs" if tape_runs.is_set() else "jammed"
        else:
            answer = f"order {pipeline.send(self.path.rpartition('/')[2])}"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


def serve() -> None:
    """Serve until it is interrupted."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Orders) as server, genlock.dump_on_signal():
        print(f"process {os.getpid()} serves http://127.0.0.1:{server.server_port}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


# The other side.


def ask(url: str) -> str:
    with urlopen(url, timeout=LONGEST) as answer:  # noqa: S310  # the service's own
        text: str = answer.read().decode()
        return text


def order(url: str, what: str, answers: list[str]) -> threading.Thread:
    thread = threading.Thread(target=lambda: answers.append(ask(f"{url}/order/{what}")))
    thread.start()
    return thread


def dump_of(pid: str, *options: str) -> str:
    """What `genlock dump PID` prints."""
    command = [sys.executable, "-m", "genlock", "dump", *options, pid]
    return subprocess.check_output(command, text=True, timeout=LONGEST)  # noqa: S603


def waiting(pid: str) -> int:
    """How many threads of the service wait for a guard."""
    return len(genlock.Snapshot.from_json(dump_of(pid, "--json")).waits)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the service has not come to a standstill")


def play(said: str) -> None:
    """Load the service that has `said` where it is, and see what holds it up."""
    _, pid, _, url = said.split()
    answers: list[str] = []
    requests = [order(url, "stall", answers)]
    until(lambda: ask(f"{url}/tape") == "jammed")
    requests += [order(url, "tea", answers) for _ in range(REQUESTS - 1)]
    until(lambda: waiting(pid) == REQUESTS - 1)
    print(dump_of(pid), end="")
    ask(f"{url}/resume")
    for request in requests:
        request.join()
    print(f"Resumed, and all is answered: {', '.join(sorted(answers))}")


def main() -> None:
    """Serve, or have another process serve and be its users."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--serve", action="store_true", help="the service alone")
    if parser.parse_args().serve:
        serve()
        return
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:  # noqa: S603
        try:
            play(service.stdout.readline() if service.stdout else "")
        finally:
            service.terminate()


if __name__ == "__main__":
    main()
