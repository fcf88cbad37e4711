"""Tasks of one thread: each goes on until it waits, and what it waits for gives it its turn."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from webapp.smtp.event_loop import ALONE, READ, EventLoop, Waiting


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def test_who_waits_for_a_socket_lets_the_others_go_on() -> None:
    loop, told = EventLoop(), list[str]()
    here, there = socket.socketpair()

    def reader() -> None:
        told.append("waits")
        assert loop.ready(here, READ, soon())
        told.append(here.recv(10).decode())

    def writer() -> None:
        told.append("writes")
        there.send(b"hello")

    loop.run(reader, writer)
    assert (told, loop.errors) == (["waits", "writes", "hello"], [])


@pytest.mark.parametrize("waiting", [ALONE, EventLoop()])
def test_outside_of_tasks_waiting_is_the_threads(waiting: Waiting) -> None:
    here, there = socket.socketpair()
    assert not waiting.ready(here, READ, soon(0.01))
    there.send(b"x")
    assert waiting.ready(here, READ, soon())
    assert waiting.run_in_thread(threading.current_thread) is threading.current_thread()


def test_a_wait_ends_at_its_deadline_and_no_later_one_is_disturbed() -> None:
    loop, ready = EventLoop(), list[bool]()
    here, there = socket.socketpair()

    def reader() -> None:
        ready.append(loop.ready(here, READ, soon(0.05)))
        there.send(b"x")
        ready.append(loop.ready(here, READ, soon()))

    def other() -> None:
        assert not loop.wait_until(lambda: False, 0.1)

    began = time.monotonic()
    loop.run(reader, other)
    assert (ready, loop.errors) == ([False, True], [])
    assert 0.1 <= time.monotonic() - began < 2


def test_news_of_another_task_and_of_another_thread_are_heard() -> None:
    loop, steps = EventLoop(), list[str]()

    def first() -> None:
        assert loop.wait_until(lambda: "second" in steps, 5)
        steps.append("first")
        loop.notify()

    def second() -> None:
        steps.append("second")
        loop.notify()
        assert loop.wait_until(lambda: "thread" in steps, 5)

    def thread() -> None:
        while "first" not in steps:
            time.sleep(0.001)
        steps.append("thread")
        loop.wake()

    beside = threading.Thread(target=thread)
    beside.start()
    began = time.monotonic()
    loop.run(first, second)
    beside.join()
    assert (steps, loop.errors) == (["second", "first", "thread"], [])
    assert time.monotonic() - began < 2


def test_what_runs_aside_holds_nothing_up_and_raises_where_it_was_asked_for() -> None:
    loop, steps = EventLoop(), list[str]()
    go_on = threading.Event()

    def asks() -> None:
        assert loop.run_in_thread(lambda: go_on.wait(5))
        steps.append("done")
        with pytest.raises(ZeroDivisionError):
            loop.run_in_thread(lambda: 1 // 0)

    def other() -> None:
        steps.append("meanwhile")
        go_on.set()

    loop.run(asks, other)
    assert (steps, loop.errors) == (["meanwhile", "done"], [])


def test_a_task_that_fails_is_told_and_the_others_go_on() -> None:
    loop, done = EventLoop(), list[str]()

    def fails() -> None:
        raise KeyError("this one")

    def goes_on() -> None:
        loop.wait_until(lambda: False, 0.02)
        done.append("well")

    loop.run(fails, goes_on)
    assert done == ["well"]
    assert [type(error) for error in loop.errors] == [KeyError]


def test_a_task_has_another_do_something_and_waits_for_what_comes_of_it() -> None:
    loop, told = EventLoop(), list[object]()

    def slow() -> str:
        loop.wait_until(lambda: False, 0.05)
        return "done"

    def broken() -> None:
        raise ValueError("broken")

    def asking() -> None:
        done, failed = loop.spawn(slow), loop.spawn(broken)
        told.append("goes on")
        told.append(done())
        with pytest.raises(ValueError, match="broken"):
            failed()

    loop.run(asking)
    assert (told, loop.errors) == (["goes on", "done"], [])
