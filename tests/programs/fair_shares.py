"""32 threads send to one guard for some seconds: prints the least share, the fair one being 1."""

import sys
import threading
import time
from collections.abc import Generator

import genlock

THREADS, SECONDS = 32, float(sys.argv[1])


def total() -> Generator[int, int, None]:
    sent = 0
    while True:
        sent += yield sent


shared = genlock.guard(total(), prime=True)
start, over = threading.Barrier(THREADS + 1), threading.Event()
shares = [0] * THREADS


def feed(number: int) -> None:
    start.wait()
    sent = 0
    while not over.is_set():
        shared.send(1)
        sent += 1
    shares[number] = sent


threads = [threading.Thread(target=feed, args=[number]) for number in range(THREADS)]
for thread in threads:
    thread.start()
start.wait()
time.sleep(SECONDS)
over.set()
for thread in threads:
    thread.join()
assert shared.send(0) == sum(shares)
print(min(shares) / (sum(shares) / THREADS))
