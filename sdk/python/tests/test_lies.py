"""A lying server never makes guard run the function. Seeds are printed."""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import Any

import httpx
from hydrapin import AsyncRuntime, Grant, NotConfirmedError, Runtime

from lies import LIES, QUESTION, Lie, check_draws, liar
from network import serve

SEEDS = range(1, LIES["seeds"] + 1)


def question() -> Any:
    asked = {name: QUESTION[name] for name in ("skill", "role", "customer_id")}
    params = json.loads(QUESTION["params"])
    return {**asked, "action": {"summary": QUESTION["summary"], "params": params}}


def test_draws_are_those_of_the_file() -> None:
    check_draws()


def test_no_lie_is_believed() -> None:
    lie: Lie | None = None
    ran: list[Grant] = []
    client = httpx.Client(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    with serve(liar(lambda: lie)) as url, client, Runtime(
        url, QUESTION["instance_id"], api_key="k", retries=0, client=client
    ) as runtime:
        # With the honest server the function runs: the test can fail.
        runtime.guard(question(), ran.append, wait=0)
        assert len(ran) == 1
        believed = []
        for seed in SEEDS:
            lie = Lie(seed)
            try:
                runtime.guard(question(), ran.append, wait=0)
            except NotConfirmedError:
                continue
            believed.append(f"seed {seed}: {lie}")
    print(f"seeds {SEEDS[0]} to {SEEDS[-1]}")
    assert (believed, len(ran)) == ([], 1)


def test_no_lie_is_believed_by_the_asynchronous_guard() -> None:
    lie: Lie | None = None
    ran: list[Grant] = []

    async def run(grant: Grant) -> None:
        ran.append(grant)

    async def main(url: str) -> list[str]:
        nonlocal lie
        believed = []
        # The certificates of the system are not needed, and reading them takes long.
        client = httpx.AsyncClient(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        async with client, AsyncRuntime(
            url, QUESTION["instance_id"], api_key="k", retries=0, client=client
        ) as runtime:
            await runtime.guard(question(), run, wait=0)
            assert len(ran) == 1
            for seed in SEEDS:
                lie = Lie(seed)
                try:
                    await runtime.guard(question(), run, wait=0)
                except NotConfirmedError:
                    continue
                believed.append(f"seed {seed}: {lie}")
        return believed

    with serve(liar(lambda: lie)) as url:
        believed = asyncio.run(main(url))
    print(f"seeds {SEEDS[0]} to {SEEDS[-1]}")
    assert (believed, len(ran)) == ([], 1)
