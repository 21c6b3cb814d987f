"""The clients against a real server."""

from __future__ import annotations

import asyncio
import os
import pathlib
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from hydrapin import (
    Admin, AsyncAdmin, AsyncRuntime, Confirmation, Grant, NotConfirmedError, ResponseInfo, Runtime,
    Secret, ValidationError, WrongPinError, params_digest,
)  # fmt: skip
from hydrapin.errors import (
    AlreadyRedeemedError, ExpiredError, ForbiddenError, NotFoundError, PinNotSetError,
    PreconditionFailedError, UnauthorizedError,
)  # fmt: skip
from hydrapin.receipts import (
    NO_ACTION, KeySource, MemorySeen, ReceiptError, ReceiptVerifier, RemoteKeys, keys_from_jwks,
)  # fmt: skip

from conftest import PIN, SKILL, WRONG, Place, Server

PARAMS = {"amount": "250.00", "currency": "EUR", "to": ["DE89370400440532013000", 1.50, None]}
ACTION = {"summary": "Send 250.00 EUR", "params": PARAMS}


def ask_for_pin(runtime: Runtime, *pins: str) -> Any:
    entered = list(pins)

    def on_pending(c: Confirmation) -> None:
        assert c.id is not None
        while entered:
            try:
                runtime.verify_confirmation(c.id, {"pin": entered.pop(0)})
            except WrongPinError:
                if not entered:
                    raise

    return on_pending


def test_admin(server: Server) -> None:
    customer, instance = uuid4(), uuid4()
    infos: list[ResponseInfo] = []
    with Admin(server.url, api_key=Secret(server.api_key), on_response=infos.append) as admin:
        status = admin.get_customer_pin_status(customer)
        assert (status.has_pin, status.created_at) == (False, None)
        status = admin.set_customer_pin(str(customer).upper(), {"pin": Secret(PIN)})
        assert status.has_pin and status.is_active and status.created_at is not None
        assert status.created_at.tzinfo is not None
        with pytest.raises(ValidationError) as invalid:
            admin.set_customer_pin(customer, {"pin": "1111"})
        assert [d.type for d in invalid.value.details] == ["pin_too_weak"]
        assert invalid.value.details[0].loc == ("body", "pin") and "1111" not in str(invalid.value)
        assert invalid.value.status == 422
        admin.unlock_customer_pin(customer)
        policy = admin.get_pin_policy(instance)
        assert (policy.pin_required_skills, policy.etag) == ((), '"0"')
        policy = admin.update_pin_policy(
            instance, {"pin_required_skills": [SKILL], "pin_applies_to": None}, if_match=policy.etag
        )
        assert policy.pin_required_skills == (SKILL,) and policy.instance_id == instance
        with pytest.raises(PreconditionFailedError) as stale:
            admin.update_pin_policy(instance, {"pin_session_ttl_minutes": 5}, if_match='"0"')
        assert stale.value.request_id and stale.value.code == "precondition-failed"
        assert admin.get_identity_pin_status(instance, uuid4()).has_pin is False
        assert admin.remove_customer_pin(customer) is None  # type: ignore[func-returns-value]
        with pytest.raises(ForbiddenError):
            admin.get_my_pin_status()
    assert infos[0].operation == "getCustomerPinStatus" and infos[0].status == 200
    assert all(i.request_id and i.attempt == 1 and i.duration > 0 for i in infos)


def test_token_and_token_source(server: Server) -> None:
    customer = uuid4()
    calls: list[int] = []

    def source() -> str:
        calls.append(1)
        return server.run("token", "--tenant", str(server.tenant), "--customer", str(customer))

    with Admin(server.url, token=source) as admin:
        assert admin.get_my_pin_status().has_pin is False
    assert len(calls) == 1
    with Admin(server.url, token="not-a-token") as admin, pytest.raises(UnauthorizedError):
        admin.get_my_pin_status()


def test_guard_with_an_action(place: Place) -> None:
    ran: list[Grant] = []

    def send(grant: Grant) -> str:
        ran.append(grant)
        return "sent"

    with Runtime(place.server.url, place.instance, api_key=place.key) as runtime:
        question: Any = {**place.question, "action": ACTION}
        result = runtime.guard(
            question, send, on_pending=ask_for_pin(runtime, WRONG, PIN),
        )  # fmt: skip
        assert result == "sent"
        grant = ran[0]
        assert grant.params == PARAMS and grant.confirmation.status == "redeemed"
        assert grant.confirmation.action_digest == params_digest(PARAMS)
        assert grant.confirmation.id is not None and grant.receipt is not None
        with pytest.raises(AlreadyRedeemedError):
            runtime.redeem_confirmation(grant.confirmation.id, {"skill": SKILL, "params": PARAMS})
    check_receipt(place, grant, PARAMS)


def check_receipt(place: Place, grant: Grant, params: Any) -> None:
    assert grant.receipt is not None
    address = f"{place.server.url}/.well-known/jwks.json"
    with urllib.request.urlopen(address) as answer:
        fixed = keys_from_jwks(answer.read())
    sources: list[KeySource] = [RemoteKeys(address), fixed]
    for keys in sources:
        verifier = ReceiptVerifier(place.server.url, keys, MemorySeen())
        expected: Any = {
            "tenant_id": place.server.tenant, "instance_id": place.instance,
            "holder_type": "customer", "holder_id": place.customer, "skill": SKILL,
        }  # fmt: skip
        others: list[Any] = [NO_ACTION, {**params, "amount": "250.01"}]
        for other in others:
            with pytest.raises(ReceiptError):
                verifier.verify(grant.receipt, params=other, **expected)
        receipt = verifier.verify(grant.receipt, params=params, **expected)
        assert receipt.id == grant.confirmation.id and receipt.method == "pin"
        with pytest.raises(ReceiptError) as replayed:
            verifier.verify(grant.receipt, params=params, **expected)
        assert replayed.value.code == "replayed"


def test_guard_by_session_and_no(place: Place) -> None:
    ran: list[Grant] = []
    question: Any = place.question
    with Runtime(place.server.url, place.instance, api_key=place.key) as runtime:
        runtime.guard(question, ran.append, on_pending=ask_for_pin(runtime, PIN))
        # The session stands for the PIN: nobody is asked.
        runtime.guard(question, ran.append)
        assert [g.params for g in ran] == [None, None]
        runtime.end_pin_sessions(customer_id=place.customer)
        stranger: Any = {**question, "customer_id": str(uuid4())}
        misspelt: Any = {**question, "skill": "payment.transfer"}
        cases: list[tuple[Any, dict[str, Any], str]] = [
            (question, {"wait": 0}, "still_pending"),
            (question, {"on_pending": ask_for_pin(runtime, WRONG)}, "incorrect_pin"),
            (misspelt, {}, "not_required"),
            (stranger, {}, "blocked"),
        ]
        for asked, options, wanted in cases:
            with pytest.raises(NotConfirmedError) as no:
                runtime.guard(asked, ran.append, **options)
            assert no.value.reason == wanted
        assert no.value.detail == "pin_not_set"
        assert len(ran) == 2
        runtime.guard(misspelt, ran.append, allow_not_required=True)
        assert ran[2].confirmation.status == "not_required" and ran[2].receipt is None


def test_the_same_key_continues(place: Place) -> None:
    ran: list[Grant] = []
    with Runtime(place.server.url, place.instance, api_key=place.key) as runtime:
        question: Any = {**place.question, "action": ACTION, "idempotency_key": "call-1"}
        with pytest.raises(NotConfirmedError) as pending:
            runtime.guard(question, ran.append, wait=0)
        c = pending.value.confirmation
        assert pending.value.reason == "still_pending" and c is not None and c.id is not None
        assert pending.value.idempotency_key == "call-1"
        assert runtime.verify_confirmation(c.id, {"pin": PIN}).status == "approved"
        runtime.guard(question, ran.append)
        assert ran[0].confirmation.id == c.id
        with pytest.raises(NotConfirmedError) as used:
            runtime.guard(question, ran.append)
        assert used.value.reason == "refused" and len(ran) == 1


def test_another_ends_the_wait(place: Place) -> None:
    ran: list[Grant] = []
    with Runtime(place.server.url, place.instance, api_key=place.key) as runtime:
        for end, reason in (("decline", "declined"), ("verify", None)):

            def elsewhere(c: Confirmation, end: str = end) -> None:
                assert c.id is not None
                if end == "decline":
                    threading.Thread(target=runtime.decline_confirmation, args=(c.id,)).start()
                else:
                    threading.Thread(
                        target=runtime.verify_confirmation, args=(c.id, {"pin": PIN})
                    ).start()

            question: Any = {**place.question, "action": ACTION}
            try:
                runtime.guard(question, ran.append, on_pending=elsewhere)
                assert reason is None
            except NotConfirmedError as error:
                assert (error.reason, error.detail) == (reason, "runtime")
    assert len(ran) == 1


def test_asynchronous_guard(place: Place) -> None:
    async def main() -> None:
        ran: list[Grant] = []

        async def run(grant: Grant) -> str:
            ran.append(grant)
            return "sent"

        async def source() -> str:
            return place.server.run("token", "--tenant", str(place.server.tenant), "--admin")

        async with AsyncRuntime(place.server.url, place.instance, api_key=place.key) as runtime:
            closed = asyncio.Event()

            async def on_pending(c: Confirmation) -> None:
                assert c.id is not None
                try:
                    await runtime.verify_confirmation(c.id, {"pin": PIN})
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    closed.set()
                    raise

            question: Any = {**place.question, "action": ACTION}
            assert await runtime.guard(question, run, on_pending=on_pending) == "sent"
            assert closed.is_set() and ran[0].params == PARAMS
            task = asyncio.create_task(runtime.guard(question, run))
            await asyncio.sleep(0.5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await runtime.guard(question, run)
            assert len(ran) == 1
        async with AsyncAdmin(place.server.url, token=source) as admin:
            assert (await admin.get_customer_pin_status(place.customer)).has_pin
            with pytest.raises(NotFoundError):
                async with AsyncRuntime(
                    place.server.url, place.instance, api_key=place.key
                ) as runtime:
                    await runtime.get_confirmation(uuid4(), wait_seconds=1)

    asyncio.run(main())


def test_identities(place: Place) -> None:
    identity = uuid4()
    with Runtime(place.server.url, place.instance, api_key=place.key) as runtime:
        assert runtime.runtime_set_pin(identity, {"pin": PIN}).has_pin
        assert runtime.runtime_get_pin_status(identity).is_active
        question: Any = {"skill": SKILL, "role": "customer", "identity_id": identity}
        ran: list[Grant] = []
        runtime.guard(question, ran.append, on_pending=ask_for_pin(runtime, PIN))
        assert ran[0].confirmation.identity_id == identity
        runtime.runtime_remove_pin(identity)
        assert not runtime.runtime_get_pin_status(identity).has_pin


def test_my_own_pin(server: Server) -> None:
    customer = uuid4()
    token = server.run("token", "--tenant", str(server.tenant), "--customer", str(customer))
    with Admin(server.url, api_key=server.api_key) as admin, Admin(server.url, token=token) as me:
        with pytest.raises(PinNotSetError):
            me.set_my_pin({"pin": PIN})
        admin.set_customer_pin(customer, {"pin": PIN})
        with pytest.raises(ValidationError):
            me.set_my_pin({"pin": "492750"})
        with pytest.raises(WrongPinError):
            me.set_my_pin({"pin": "492750", "current_pin": WRONG})
        status = me.set_my_pin({"pin": Secret("492750"), "current_pin": Secret(PIN)})
        assert status.set_by == "holder"


def test_pin_links(place: Place) -> None:
    identity = uuid4()
    key = place.server.api_key
    with (
        Admin(place.server.url, api_key=key) as admin,
        Runtime(place.server.url, place.instance, api_key=place.key) as runtime,
    ):
        calls: list[tuple[Any, Any, tuple[Any, ...]]] = [
            (admin.create_customer_pin_link, admin.end_customer_pin_links, (place.customer,)),
            (admin.create_identity_pin_link, admin.end_identity_pin_links, (place.instance, identity)),
            (runtime.runtime_create_pin_link, runtime.runtime_end_pin_links, (identity,)),
        ]
        for make, end, of in calls:
            link = make(*of, {"expires_in_seconds": 600})
            url = link.url.reveal()
            assert url.startswith(f"{place.server.url}/set-pin/") and url not in repr(link)
            left = (link.expires_at - datetime.now(UTC)).total_seconds()
            assert 500 < left <= 601
            assert page_status(url) == 200
            end(*of)
            assert page_status(url) == 410


def page_status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_link_as_a_qr_code(place: Place) -> None:
    with Runtime(place.server.url, place.instance, api_key=place.key) as runtime:
        question: Any = {**place.question, "action": ACTION}
        asked = runtime.ask_confirmation(question)
        assert asked.id is not None and asked.confirm_url is not None
        assert b"<svg" in runtime.get_confirmation_qr(asked.id)
        assert page_status(asked.confirm_url) == 200
        runtime.decline_confirmation(asked.id)
        with pytest.raises(ExpiredError):
            runtime.get_confirmation_qr(asked.id)


def child(place: Place, effects: pathlib.Path) -> subprocess.Popen[str]:
    inherited = {n: v for n, v in os.environ.items() if n != "HYDRAPIN_BIN"}
    return subprocess.Popen(
        [sys.executable, pathlib.Path(__file__).with_name("child.py")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={
            **inherited, "HYDRAPIN_URL": place.server.url, "HYDRAPIN_INSTANCE": str(place.instance),
            "HYDRAPIN_RUNTIME_KEY": place.key, "PIN": PIN, "CUSTOMER": str(place.customer),
            "EFFECTS": str(effects),
        },
    )  # fmt: skip


def step_through(process: subprocess.Popen[str], steps: int) -> list[str]:
    """Lets the child pass that many places, kills it at the next one, and says where it was."""
    assert process.stdout is not None and process.stdin is not None
    places = []
    for line in process.stdout:
        places.append(line.strip())
        if len(places) > steps:
            process.send_signal(signal.SIGKILL)
            break
        process.stdin.write("go\n")
        process.stdin.flush()
    process.wait(timeout=30)
    process.stdin.close()
    process.stdout.close()
    return places


@pytest.mark.parametrize("steps", range(12))
def test_a_killed_process_runs_the_skill_at_most_once(
    place: Place, tmp_path: pathlib.Path, steps: int
) -> None:
    effects = tmp_path / "effects"
    first = step_through(child(place, effects), steps)
    again = step_through(child(place, effects), 1000)
    ran = effects.read_text().splitlines() if effects.exists() else []
    assert len(ran) <= 1, (first, again)
    assert all(line.endswith(" redeemed") for line in ran)
    # Killed before the redeem was sent, the second process finishes; afterwards nobody does.
    redeemed = any("redeem" in place for place in first[:-1])
    assert bool(ran) == (not redeemed or "the skill has run" in first), (first, again)
    with Runtime(place.server.url, place.instance, api_key=place.key) as runtime:
        for line in ran:
            assert runtime.get_confirmation(line.split()[0]).status == "redeemed"
