"""Tasks of one thread: each goes on until it waits, and what it waits for gives it its turn."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from webapp.mailing.event_loop import ALONE, READ, EventLoop, Waiting


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def test_who_waits_for_a_socket_lets_the_others_go_on() -> None:
    hub, told = EventLoop(), list[str]()
    here, there = socket.socketpair()

    def reader() -> None:
        told.append("waits")
        assert hub.ready(here, READ, soon())
        told.append(here.recv(10).decode())

    def writer() -> None:
        told.append("writes")
        there.send(b"hello")

    hub.run(reader, writer)
    assert (told, hub.errors) == (["waits", "writes", "hello"], [])


@pytest.mark.parametrize("waiting", [ALONE, EventLoop()])
def test_outside_of_tasks_waiting_is_the_threads(waiting: Waiting) -> None:
    here, there = socket.socketpair()
    assert not waiting.ready(here, READ, soon(0.01))
    there.send(b"x")
    assert waiting.ready(here, READ, soon())
    assert waiting.run_in_thread(threading.current_thread) is threading.current_thread()


def test_a_wait_ends_at_its_deadline_and_no_later_one_is_disturbed() -> None:
    hub, ready = EventLoop(), list[bool]()
    here, there = socket.socketpair()

    def reader() -> None:
        ready.append(hub.ready(here, READ, soon(0.05)))
        there.send(b"x")
        ready.append(hub.ready(here, READ, soon()))

    def other() -> None:
        assert not hub.wait_until(lambda: False, 0.1)

    began = time.monotonic()
    hub.run(reader, other)
    assert (ready, hub.errors) == ([False, True], [])
    assert 0.1 <= time.monotonic() - began < 2


def test_news_of_another_task_and_of_another_thread_are_heard() -> None:
    hub, steps = EventLoop(), list[str]()

    def first() -> None:
        assert hub.wait_until(lambda: "second" in steps, 5)
        steps.append("first")
        hub.notify()

    def second() -> None:
        steps.append("second")
        hub.notify()
        assert hub.wait_until(lambda: "thread" in steps, 5)

    def thread() -> None:
        while "first" not in steps:
            time.sleep(0.001)
        steps.append("thread")
        hub.wake()

    beside = threading.Thread(target=thread)
    beside.start()
    began = time.monotonic()
    hub.run(first, second)
    beside.join()
    assert (steps, hub.errors) == (["second", "first", "thread"], [])
    assert time.monotonic() - began < 2


def test_what_is_aside_holds_nobody_up_and_raises_where_it_was_asked_for() -> None:
    hub, steps = EventLoop(), list[str]()
    go_on = threading.Event()

    def asks() -> None:
        assert hub.run_in_thread(lambda: go_on.wait(5))
        steps.append("done")
        with pytest.raises(ZeroDivisionError):
            hub.run_in_thread(lambda: 1 // 0)

    def other() -> None:
        steps.append("meanwhile")
        go_on.set()

    hub.run(asks, other)
    assert (steps, hub.errors) == (["meanwhile", "done"], [])


def test_a_task_that_fails_is_told_and_the_others_go_on() -> None:
    hub, done = EventLoop(), list[str]()

    def fails() -> None:
        raise KeyError("this one")

    def goes_on() -> None:
        hub.wait_until(lambda: False, 0.02)
        done.append("well")

    hub.run(fails, goes_on)
    assert done == ["well"]
    assert [type(error) for error in hub.errors] == [KeyError]


def test_a_task_has_another_do_something_and_waits_for_what_comes_of_it() -> None:
    hub, told = EventLoop(), list[object]()

    def slow() -> str:
        hub.wait_until(lambda: False, 0.05)
        return "done"

    def broken() -> None:
        raise ValueError("broken")

    def asking() -> None:
        done, failed = hub.spawn(slow), hub.spawn(broken)
        told.append("goes on")
        told.append(done())
        with pytest.raises(ValueError, match="broken"):
            failed()

    hub.run(asking)
    assert (told, hub.errors) == (["goes on", "done"], [])
