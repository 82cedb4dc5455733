"""The watch looks at its own pace, whatever is asked of it, and ends when it is told to."""

import threading
import time

from ops.api.look import Look
from ops.api.watch import Watch


def test_however_many_ask_it_looks_at_its_own_pace() -> None:
    looks = []

    def look() -> Look:
        looks.append(time.monotonic())
        return Look(len(looks), {})

    watch = Watch(look, every_seconds=60)
    watch.start()
    while watch.seen().look is None:
        time.sleep(0.01)
    seen = {watch.seen().look.at for _ in range(1_000)}  # type: ignore[union-attr]
    watch.stop()
    assert (seen, len(looks)) == ({1}, 1)


def test_asking_never_waits_for_a_look_that_hangs() -> None:
    hanging = threading.Event()

    def look() -> Look:
        hanging.wait(30)
        return Look(1, {})

    watch = Watch(look, every_seconds=1)
    watch.start()
    begun = time.monotonic()
    assert watch.seen().look is None
    assert time.monotonic() - begun < 1
    hanging.set()
    watch.stop()


def test_stopping_is_prompt_between_looks() -> None:
    watch = Watch(lambda: Look(1, {}), every_seconds=600)
    watch.start()
    begun = time.monotonic()
    watch.stop()
    assert time.monotonic() - begun < 5
