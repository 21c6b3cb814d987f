"""What a runtime and an operator see beside guard, against a real server."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from hydrapin import Admin, AsyncRuntime, Grant, NotConfirmedError, Runtime
from hydrapin.errors import FrozenError, IdempotencyConflictError, OutcomeAlreadySetError

from conftest import PIN, SKILL, Place

ACTION = {"summary": "Send 250.00 EUR", "params": {"amount": "250.00"}}


def runtime_of(place: Place) -> Runtime:
    return Runtime(place.server.url, place.instance, api_key=place.key)


def test_decision(place: Place) -> None:
    with runtime_of(place) as runtime:
        decision = runtime.get_pin_policy_decision(skill=SKILL, role="owner")
        assert (decision.required, decision.reason) == (True, None)
        decision = runtime.get_pin_policy_decision(skill="free", role="owner")
        assert (decision.required, decision.reason) == (False, "skill_not_listed")


def test_the_open_confirmations(place: Place) -> None:
    question: Any = {**place.question, "action": ACTION}
    with runtime_of(place) as runtime:
        ids = [runtime.ask_confirmation(question).id for _ in range(5)][::-1]
        assert ids[4] is not None
        runtime.verify_confirmation(ids[4], {"pin": PIN})
        assert [c.id for c in runtime.confirmations(limit=2)] == ids
        assert [c.id for c in runtime.confirmations(status="pending", limit=4)] == ids[:4]
        assert list(runtime.confirmations(identity_id=uuid4())) == []

    async def listed() -> list[object]:
        async with AsyncRuntime(place.server.url, place.instance, api_key=place.key) as runtime:
            return [c.id async for c in runtime.confirmations(customer_id=place.customer, limit=2)]

    assert asyncio.run(listed()) == ids


def test_the_outcome(place: Place) -> None:
    question: Any = {**place.question, "action": ACTION}
    ran: list[Grant] = []

    def fail(grant: Grant) -> None:
        ran.append(grant)
        raise OSError("the bank said no")

    with runtime_of(place) as runtime:

        def enter(c: Any) -> None:
            runtime.verify_confirmation(c.id, {"pin": PIN})

        runtime.guard(question, ran.append, on_pending=enter)
        with pytest.raises(OSError, match="the bank said no"):
            runtime.guard(question, fail, on_pending=enter)
        ids = [grant.confirmation.id for grant in ran]
        assert ids[0] is not None and ids[1] is not None
        assert [runtime.get_confirmation(i).outcome for i in ids if i] == ["executed", "failed"]
        assert runtime.report_outcome(ids[0], {"outcome": "executed"}).outcome_at is not None
        with pytest.raises(OutcomeAlreadySetError):
            runtime.report_outcome(ids[0], {"outcome": "failed"})


def test_the_same_call_runs_once_and_then_asks_anew(place: Place) -> None:
    call: Any = {**place.question, "action": ACTION, "call_key": "send-money-5b1e"}
    ran: list[Grant] = []
    with runtime_of(place) as runtime:
        first = runtime.ask_confirmation(call)
        assert runtime.ask_confirmation(call).id == first.id
        with pytest.raises(IdempotencyConflictError):
            runtime.ask_confirmation(call | {"role": "customer"})
        assert first.id is not None
        runtime.verify_confirmation(first.id, {"pin": PIN})
        runtime.guard(call, ran.append)
        assert ran[0].confirmation.id == first.id
        with pytest.raises(NotConfirmedError) as pending:
            runtime.guard(call, ran.append, wait=0)
        assert pending.value.reason == "still_pending" and len(ran) == 1


def test_a_freeze(place: Place) -> None:
    question: Any = place.question
    ran: list[Grant] = []
    with Admin(place.server.url, api_key=place.server.api_key) as admin, runtime_of(place) as runtime:
        assert admin.get_instance_freeze(place.instance).frozen is False
        asked = runtime.ask_confirmation(question)
        assert asked.id is not None
        frozen = admin.set_instance_freeze(place.instance, {"reason": "Odd messages."})
        assert (frozen.frozen, frozen.reason) == (True, "Odd messages.")
        with pytest.raises(FrozenError):
            runtime.verify_confirmation(asked.id, {"pin": PIN})
        with pytest.raises(NotConfirmedError) as blocked:
            runtime.guard(question, ran.append)
        assert (blocked.value.reason, blocked.value.detail) == ("blocked", "frozen") and not ran
        admin.lift_instance_freeze(place.instance)
        assert runtime.verify_confirmation(asked.id, {"pin": PIN}).status == "approved"


def test_keys_and_lists(place: Place) -> None:
    with Admin(place.server.url, api_key=place.server.api_key) as admin:
        made = admin.create_api_key({"name": "made", "scopes": ["pins:read"]})
        assert made.prefix + "_" not in repr(made)
        holder = uuid4()
        admin.set_customer_pin(holder, {"pin": PIN})
        assert admin.deactivate_customer_pin(holder).is_active is False
        with Admin(place.server.url, api_key=made.key) as reader:
            inactive = reader.iter_pins(status="inactive", holder_type="customer", per_page=1)
            assert holder in [pin.customer_id for pin in inactive]
        admin.revoke_api_key(made.id)
        admin.revoke_api_key(made.id)
        revoked = [key.id for key in admin.iter_api_keys() if key.revoked_at is not None]
        assert made.id in revoked
