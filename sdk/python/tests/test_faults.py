"""A timeout and a cancel at every step: the function runs at most once, and only after a redeem."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hydrapin import (
    AsyncRuntime, Grant, InvalidArgument, NotConfirmedError, ResponseInfo, Runtime, params_digest,
)  # fmt: skip

from network import Answer, Asked, serve
from table import BASE, confirmation

QUESTION: Any = {name: BASE[name] for name in ("skill", "role", "customer_id")}
STEPS = ["ask", "wait", "redeem"]


def step_of(asked: Asked) -> str:
    if asked.method == "DELETE":
        return "decline"
    if asked.path.endswith("/redeem"):
        return "redeem"
    return "outcome" if asked.path.endswith("/outcome") else {"POST": "ask", "GET": "wait"}[asked.method]


def honest(step: str) -> Answer:
    if step == "decline":
        return Answer(204)
    changes: dict[str, dict[str, Any]] = {
        "ask": {}, "wait": {"status": "approved", "reason": "pin"}, "redeem": {"status": "redeemed"},
        "outcome": {"status": "redeemed"},
    }  # fmt: skip
    return Answer(201 if step == "ask" else 200, {}, confirmation(changes[step]))


class Hanging:
    """An honest server that does not answer at one step until it is let go."""

    def __init__(self, at: str, reached: Callable[[], None] = lambda: None) -> None:
        self._at, self._reached = at, reached
        self.seen: list[str] = []
        self.release = threading.Event()

    def __call__(self, asked: Asked) -> Answer:
        step = step_of(asked)
        self.seen.append(step)
        if step == self._at:
            self._reached()
            self.release.wait(20)
        return honest(step)


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client() as shared:
        yield shared


@pytest.mark.parametrize("at", STEPS)
def test_a_step_that_times_out(at: str, client: httpx.Client) -> None:
    hanging, ran = Hanging(at), list[Grant]()
    with serve(hanging) as url:
        runtime = Runtime(
            url, BASE["instance_id"], api_key="k", timeout=0.5, retries=0, client=client
        )
        try:
            with pytest.raises(NotConfirmedError) as no:
                # The poll has no time of its own then, and so times out as every call does.
                runtime.guard(QUESTION, ran.append, wait=0)
        finally:
            hanging.release.set()
    assert (no.value.reason, ran) == ("unreachable", [])
    expected = STEPS[: STEPS.index(at) + 1] + (["decline"] if at != "ask" else [])
    assert hanging.seen == expected


@pytest.mark.parametrize("at", STEPS)
def test_a_step_that_times_out_asynchronously(at: str) -> None:
    hanging, ran = Hanging(at), list[Grant]()

    async def run(grant: Grant) -> None:
        ran.append(grant)

    async def main(url: str) -> None:
        async with AsyncRuntime(
            url, BASE["instance_id"], api_key="k", timeout=0.5, retries=0
        ) as runtime:
            with pytest.raises(NotConfirmedError) as no:
                await runtime.guard(QUESTION, run, wait=0)
            assert no.value.reason == "unreachable"

    with serve(hanging) as url:
        try:
            asyncio.run(main(url))
        finally:
            hanging.release.set()
    assert ran == []


@pytest.mark.parametrize("at", STEPS)
def test_a_task_that_is_cancelled_at_a_step(at: str) -> None:
    ran = list[Grant]()

    async def run(grant: Grant) -> None:
        ran.append(grant)

    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        task: asyncio.Task[None]

        def reached() -> None:
            loop.call_soon_threadsafe(lambda: task.cancel())

        hanging = Hanging(at, reached)
        with serve(hanging) as url:
            async with AsyncRuntime(url, BASE["instance_id"], api_key="k") as runtime:
                task = asyncio.create_task(runtime.guard(QUESTION, run))
                with pytest.raises(asyncio.CancelledError):
                    await task
                hanging.release.set()
        return hanging.seen

    seen = asyncio.run(main())
    assert ran == []
    # Once there is a question, it is withdrawn: nobody else could continue with it.
    assert seen == STEPS[: STEPS.index(at) + 1] + (["decline"] if at != "ask" else [])


def test_a_timeout_around_guard_is_the_callers() -> None:
    hanging = Hanging("wait")

    async def run(grant: Grant) -> None:
        raise AssertionError

    async def main(url: str) -> None:
        async with AsyncRuntime(url, BASE["instance_id"], api_key="k") as runtime:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await runtime.guard(QUESTION, run)
            task = asyncio.current_task()
            assert task is not None and task.cancelling() == 0

    with serve(hanging) as url:
        try:
            asyncio.run(main(url))
        finally:
            hanging.release.set()
    assert hanging.seen[-1] == "decline"


class Interrupt(BaseException):
    """What a signal raises."""


@pytest.mark.parametrize("at", STEPS)
def test_an_interrupt_at_a_step(at: str) -> None:
    seen: list[str] = []

    def server(asked: Asked) -> Answer:
        seen.append(step_of(asked))
        return honest(seen[-1])

    def interrupt(response: httpx.Response) -> None:
        if seen[-1] == at:
            raise Interrupt

    ran = list[Grant]()
    with serve(server) as url, httpx.Client(event_hooks={"response": [interrupt]}) as hooked:
        runtime = Runtime(url, BASE["instance_id"], api_key="k", client=hooked)
        with pytest.raises(Interrupt):
            runtime.guard(QUESTION, ran.append)
    assert ran == []
    assert seen == STEPS[: STEPS.index(at) + 1] + (["decline"] if at != "ask" else [])


def test_a_cancel_after_the_redeem(client: httpx.Client) -> None:
    cancel, ran = threading.Event(), list[Grant]()

    def server(asked: Asked) -> Answer:
        if step_of(asked) == "redeem":
            cancel.set()
        return honest(step_of(asked))

    with serve(server) as url:
        runtime = Runtime(url, BASE["instance_id"], api_key="k", client=client)
        with pytest.raises(NotConfirmedError) as no:
            runtime.guard(QUESTION, ran.append, cancel=cancel)
    assert (no.value.reason, ran) == ("cancelled", [])


@pytest.mark.parametrize("error", [StopIteration, KeyboardInterrupt, GeneratorExit, ValueError])
def test_errors_of_the_function_pass_unchanged(
    error: type[BaseException], client: httpx.Client
) -> None:
    raised = error("its own")

    def fail(grant: Grant) -> None:
        raise raised

    async def fail_async(grant: Grant) -> None:
        fail(grant)

    with serve(lambda asked: honest(step_of(asked))) as url:
        runtime = Runtime(url, BASE["instance_id"], api_key="k", client=client)
        with pytest.raises(error) as caught:
            runtime.guard(QUESTION, fail)
        assert caught.value is raised and raised.__cause__ is None

        async def main() -> None:
            async with AsyncRuntime(url, BASE["instance_id"], api_key="k") as runtime:
                await runtime.guard(QUESTION, fail_async)

        # Python itself turns these two into others on their way out of a coroutine and of asyncio.
        if error in {ValueError}:
            with pytest.raises(error) as caught:
                asyncio.run(main())
            assert caught.value is raised


def test_params_are_taken_when_guard_is_called(client: httpx.Client) -> None:
    params: dict[str, Any] = {"amount": "1", "to": ["a"]}
    bodies: list[Any] = []

    def server(asked: Asked) -> Answer:
        step = step_of(asked)
        if asked.body:
            bodies.append(asked.json)
        changes = {"action_summary": "s", "action_digest": params_digest({"amount": "1", "to": ["a"]})}
        members = json.loads(honest(step).body or b"{}") | changes
        return Answer(honest(step).status, {}, json.dumps(members).encode())

    def swap(c: object) -> None:
        params["amount"] = "1000000"
        params["to"].append("b")

    ran = list[Grant]()
    with serve(server) as url:
        runtime = Runtime(url, BASE["instance_id"], api_key="k", client=client)
        question: Any = dict(QUESTION, action={"summary": "s", "params": params})
        runtime.guard(question, ran.append, on_pending=swap)
    assert ran[0].params == {"amount": "1", "to": ["a"]}
    assert bodies[0]["action"]["params"] == bodies[1]["params"] == {"amount": "1", "to": ["a"]}


def test_what_cannot_run_is_not_asked(client: httpx.Client) -> None:
    async def coroutine(grant: Grant) -> None: ...

    seen: list[Asked] = []

    def server(asked: Asked) -> Answer:
        seen.append(asked)
        return Answer(500)

    with serve(server) as url:
        runtime = Runtime(url, BASE["instance_id"], api_key="k", client=client)
        wrong: list[tuple[Any, Any, dict[str, Any]]] = [
            (QUESTION, coroutine, {}), (QUESTION, None, {}), (None, print, {}), ({}, print, {}),
            (QUESTION, print, {"wait": -1}), (QUESTION, print, {"wait": float("nan")}),
            ({**QUESTION, "action": {"summary": "s"}}, print, {}),
            ({**QUESTION, "action": {"summary": "s\ud800", "params": {}}}, print, {}),
            ({**QUESTION, "action": {"summary": None, "params": {}}}, print, {}),
            ({**QUESTION, "idempotency_key": 5}, print, {}),
            ({**QUESTION, "skill": None}, print, {}),
        ]  # fmt: skip
        for question, function, options in wrong:
            with pytest.raises(NotConfirmedError) as no:
                runtime.guard(question, function, **options)
            assert no.value.reason == "invalid"
        with pytest.raises(InvalidArgument):
            runtime.ask_confirmation({"skill": "x", "role": "owner"})
    assert seen == []


def test_a_hook_that_fails_does_no_harm(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    def hook(info: ResponseInfo) -> None:
        raise ValueError("of the hook")

    ran = list[Grant]()
    with serve(lambda asked: honest(step_of(asked))) as url:
        runtime = Runtime(
            url, BASE["instance_id"], api_key="k", client=client, on_response=hook
        )
        runtime.guard(QUESTION, ran.append)
    assert len(ran) == 1 and "of the hook" in caplog.text
