"""The table of cases that the three SDKs share."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from typing import Any

import httpx
import pytest
from hydrapin import (
    AsyncRuntime, Confirmation, Grant, NotConfirmedError, ParamsError, Runtime, SummaryError,
    canonical_params, params_digest, parse_params, summary, verify_webhook, WebhookError,
)  # fmt: skip
from hydrapin.errors import ConfigurationError
from hydrapin.receipts import (
    NO_ACTION, MemorySeen, ReceiptError, ReceiptVerifier, keys_from_jwks,
)  # fmt: skip

from network import serve
from table import BASE, PIN, TABLE, Script, question


def named(section: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(c, id=c["name"]) for c in section])


class FunctionFailed(Exception):
    """What a function raises."""


class OnPendingFailed(Exception):
    """What on_pending raises."""


class Recorded:
    """What guard did with the function, and with on_pending."""

    def __init__(self, call: dict[str, Any]) -> None:
        self.call = call
        self.grants: list[Grant] = []
        self.shown: list[str | None] = []

    def run(self, grant: Grant) -> str:
        self.grants.append(grant)
        if self.call.get("function") == "fail":
            raise FunctionFailed
        return "done"

    async def run_async(self, grant: Grant) -> str:
        await asyncio.sleep(0)
        return self.run(grant)

    def check(self, outcome: dict[str, Any], result: str | Exception | None) -> None:
        assert len(self.grants) == (1 if outcome["ran"] else 0)
        if not outcome["ran"]:
            assert isinstance(result, NotConfirmedError)
            assert (result.reason, result.detail) == (outcome["reason"], outcome.get("detail"))
            return
        assert isinstance(result, FunctionFailed) if outcome.get("failed") else result == "done"
        params = self.grants[0].params
        assert (None if params is None else canonical_params(params)) == outcome["params"]
        assert self.shown == ([outcome["shown"]] if "shown" in outcome else [])


def options(call: dict[str, Any]) -> dict[str, Any]:
    return {k: call[k] for k in ("wait", "allow_not_required") if k in call}


# The certificates of the system are not needed here, and reading them takes long.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@named(TABLE["guard"])
def test_guard(case: dict[str, Any]) -> None:
    call, script = case["call"], Script(case["exchanges"])
    recorded, cancel = Recorded(call), threading.Event()
    result: str | Exception | None = None
    with serve(script) as url, httpx.Client(verify=NO_TLS) as client:
        runtime = Runtime(
            url, BASE["instance_id"], api_key=BASE["api_key"], retries=call.get("retries", 0),
            client=client,
        )  # fmt: skip

        def on_pending(c: Confirmation) -> None:
            match call["on_pending"]:
                case "show":
                    recorded.shown.append(c.confirm_url)
                case "verify":
                    assert c.id is not None
                    runtime.verify_confirmation(c.id, {"pin": PIN})
                case "fail":
                    raise OnPendingFailed
                case "cancel":
                    cancel.set()

        try:
            result = runtime.guard(
                question(call, json.loads), recorded.run,  # type: ignore[arg-type]
                on_pending=on_pending if "on_pending" in call else None, cancel=cancel,
                **options(call),
            )  # fmt: skip
        except (NotConfirmedError, FunctionFailed) as error:
            result = error
        script.finish()
    recorded.check(case["outcome"], result)


@named(TABLE["guard"])
def test_async_guard(case: dict[str, Any]) -> None:
    call, script = case["call"], Script(case["exchanges"])
    recorded = Recorded(call)

    async def main(url: str) -> str | Exception:
        task: asyncio.Task[str]

        async def on_pending(c: Confirmation) -> None:
            match call["on_pending"]:
                case "show":
                    recorded.shown.append(c.confirm_url)
                case "verify":
                    assert c.id is not None
                    await runtime.verify_confirmation(c.id, {"pin": PIN})
                case "fail":
                    raise OnPendingFailed
                case "cancel":
                    task.cancel()
                    await asyncio.Event().wait()

        async with httpx.AsyncClient(verify=NO_TLS) as client:
            runtime = AsyncRuntime(
                url, BASE["instance_id"], api_key=BASE["api_key"], retries=call.get("retries", 0),
                client=client,
            )  # fmt: skip
            task = asyncio.create_task(runtime.guard(
                question(call, json.loads), recorded.run_async,  # type: ignore[arg-type]
                on_pending=on_pending if "on_pending" in call else None, **options(call),
            ))  # fmt: skip
            try:
                return await task
            except asyncio.CancelledError:
                # In asyncio a cancelled task ends with this, and with nothing else.
                return NotConfirmedError("cancelled")
            except (NotConfirmedError, FunctionFailed) as error:
                return error

    with serve(script) as url:
        result = asyncio.run(main(url))
        script.finish()
    recorded.check(case["outcome"], result)


@named(TABLE["canonical"])
def test_canonical(case: dict[str, Any]) -> None:
    text, outcome = case["call"]["params"], case["outcome"]
    if "error" not in outcome:
        for params in (parse_params(text), json.loads(text)):
            assert canonical_params(params) == outcome["text"]
            assert params_digest(params) == outcome["digest"]
        return
    with pytest.raises(ParamsError) as refused:
        parse_params(text)
    check_refusal(refused.value, outcome)
    if not case["call"].get("text_only"):
        with pytest.raises(ParamsError) as refused:
            canonical_params(json.loads(text))
        check_refusal(refused.value, outcome)


def check_refusal(error: ParamsError, outcome: dict[str, Any]) -> None:
    if "member" in outcome:
        assert str(error).startswith(outcome["member"] + " ")
        assert "surrogate" in str(error) or "pass a string" in str(error)


@named(TABLE["summary"])
def test_summary(case: dict[str, Any]) -> None:
    call, outcome = case["call"], case["outcome"]
    if "text" in outcome:
        assert summary(call["template"], json.loads(call["params"])) == outcome["text"]
        return
    with pytest.raises((SummaryError, ParamsError)):
        summary(call["template"], json.loads(call["params"]))


@named(TABLE["url"])
def test_url(case: dict[str, Any]) -> None:
    call = dict(case["call"])
    url = call.pop("base_url")
    if case["outcome"]["accepted"]:
        Runtime(url, BASE["instance_id"], api_key="k", **call).close()
        return
    with pytest.raises(ConfigurationError) as refused:
        Runtime(url, BASE["instance_id"], api_key="k", **call)
    assert "secret" not in str(refused.value)


@named(TABLE["receipt"]["cases"])
def test_receipt(case: dict[str, Any]) -> None:
    call, outcome = case["call"], case["outcome"]
    section = TABLE["receipt"]
    verifier = ReceiptVerifier(section["issuer"], keys_from_jwks(section["jwks"]), MemorySeen())
    expected = dict(call["expected"])
    params = expected.pop("params")

    def verify() -> None:
        verifier.verify(
            call["receipt"], params=NO_ACTION if params is None else json.loads(params), **expected
        )

    if call.get("twice"):
        verify()
    if outcome["accepted"]:
        verify()
        return
    with pytest.raises(ReceiptError) as refused:
        verify()
    assert refused.value.code == outcome["fault"]


@named(TABLE["webhook"])
def test_webhook(case: dict[str, Any]) -> None:
    call = case["call"]

    def verify() -> dict[str, Any]:
        return verify_webhook(
            call["payload"].encode(), call["headers"], call["secrets"], now=call["now"]
        )

    if case["outcome"]["accepted"]:
        assert verify() == json.loads(call["payload"])
        return
    with pytest.raises(WebhookError):
        verify()
