"""Looking at a process's memory leaves what runs in it alone."""

import sys
import threading

from tests.benchmarks.memory_parts import count_objects


def test_counting_objects_disturbs_no_tuple_that_another_thread_is_making() -> None:
    ended, failed, made = threading.Event(), [], 0

    def make() -> None:
        nonlocal made
        try:
            while not ended.is_set():
                # A generator's length is not known before: the tuple grows, for which it must be nobody else's.
                made += len(tuple(number for number in range(200)))
        except SystemError as error:
            failed.append(error)

    thread = threading.Thread(target=make)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread.start()
    try:
        counted = [count_objects() for _ in range(25)]
    finally:
        ended.set()
        thread.join()
        sys.setswitchinterval(interval)
    assert failed == [] and made > 0
    assert min(counted) > 1000
