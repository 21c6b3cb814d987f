"""What a tenant's admin lists and sets up, against a real server."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import TypeVar
from uuid import uuid4

import pytest
from hydrapin import Admin, Runtime
from hydrapin.errors import (
    ForbiddenError, NotFoundError, UnauthorizedError, WebhookDisabledError,
)  # fmt: skip
from hydrapin.models import WebhookDelivery

from conftest import PIN, Place, Server

T = TypeVar("T")


def until(ask: Callable[[], list[T]], there: Callable[[list[T]], bool]) -> list[T]:
    """Asks again until the answer is there: trail and deliveries follow within a second or so."""
    end = time.monotonic() + 30
    while not there(answer := ask()):
        assert time.monotonic() < end, answer
        time.sleep(0.05)
    return answer


def test_keys_and_lists(place: Place) -> None:
    url, identity = place.server.url, uuid4()
    with (
        Admin(url, api_key=place.server.api_key) as admin,
        Runtime(url, place.instance, api_key=place.key) as runtime,
    ):
        made = admin.create_api_key({"name": "reader", "scopes": ["pins:read"]})
        key = made.key.reveal()
        assert key not in repr(made) and made.scopes == ("pins:read",)
        assert not admin.deactivate_customer_pin(place.customer).is_active
        runtime.runtime_set_pin(identity, {"pin": PIN})
        assert not admin.deactivate_identity_pin(place.instance, identity).is_active
        with Admin(url, api_key=key) as reader:
            inactive = list(reader.iter_pins(status="inactive", per_page=1))
            assert place.customer in {pin.customer_id for pin in inactive}
            here = reader.list_pins(status="inactive", instance_id=place.instance)
            assert [pin.identity_id for pin in here.pins] == [identity]
            with pytest.raises(ForbiddenError):
                reader.create_api_key({"name": "n", "scopes": ["pins:read"]})
            for _ in range(2):
                admin.revoke_api_key(made.id)
            with pytest.raises(UnauthorizedError):
                reader.list_pins()
        revoked = {key.id: key.revoked_at for key in admin.iter_api_keys(per_page=1)}
        assert revoked[made.id] is not None
        assert admin.list_api_keys(page=1, per_page=1).total == len(revoked)


def test_the_trail(server: Server) -> None:
    customer = uuid4()
    with Admin(server.url, api_key=server.api_key) as admin:
        admin.set_customer_pin(customer, {"pin": PIN})
        admin.deactivate_customer_pin(customer)
        events = until(
            lambda: list(admin.iter_pin_events(customer_id=customer, limit=1)),
            lambda events: len(events) >= 2,
        )
        assert [(e.type, e.customer_id, e.tenant_id) for e in events] == [
            ("pin.set", customer, server.tenant), ("pin.deactivated", customer, server.tenant),
        ]  # fmt: skip
        newest = admin.list_pin_events(customer_id=customer, order="desc", limit=1)
        assert newest.events == (events[1],)
        index = events[1].index
        leaf = admin.get_pin_event(index)
        assert leaf.event == events[1] and str(events[1].id) in base64.b64decode(leaf.leaf).decode()
        proof = admin.get_pin_event_proof(index, size=index + 1)
        assert (proof.index, proof.size, proof.leaf_hash) == (index, index + 1, leaf.leaf_hash)
        consistent = admin.get_pin_event_consistency(from_=1, to=index + 1)
        assert (consistent.from_, consistent.to) == (1, index + 1)
        assert "\n\n— " in admin.get_pin_event_checkpoint().decode()
        with pytest.raises(NotFoundError):
            admin.get_pin_event(2**40)


def test_webhooks(server: Server) -> None:
    # The name is that of a loopback address, which the server does not send to unless its operator
    # allows that: every attempt fails, and nothing is on the wire.
    with Admin(server.url, api_key=server.api_key) as admin:
        made = admin.create_webhook({
            "url": "https://localhost:9/in", "events": ["key.*"], "description": "audit",
        })  # fmt: skip
        secret = made.secret.reveal()
        assert secret.startswith("whsec_") and secret not in repr(made)
        event = admin.test_webhook(made.id).event_id

        def tried() -> list[WebhookDelivery]:
            pending = admin.iter_webhook_deliveries(made.id, status="pending")
            return [delivery for delivery in pending if delivery.attempts]

        failed = until(tried, bool)[0]
        assert (failed.event_id, failed.webhook_id) == (event, made.id)
        assert failed.event_type == "webhook.tested" and failed.last_error
        assert admin.list_webhook_deliveries(made.id, status="dead", per_page=1).total == 0
        assert admin.retry_webhook_delivery(failed.id).id == failed.id
        assert admin.rotate_webhook_secret(made.id).secret.reveal() != secret
        changed = admin.update_webhook(
            made.id, {"events": ["pin.locked"], "enabled": False, "description": ""}
        )
        assert (changed.events, changed.enabled) == (("pin.locked",), False)
        assert (changed.disabled_reason, changed.description) == ("by_hand", None)
        assert admin.get_webhook(made.id) == changed
        with pytest.raises(WebhookDisabledError):
            admin.test_webhook(made.id)
        assert made.id in {webhook.id for webhook in admin.iter_webhooks(per_page=1)}
        admin.delete_webhook(made.id)
        with pytest.raises(NotFoundError):
            admin.get_webhook(made.id)
        with pytest.raises(NotFoundError):
            admin.retry_webhook_delivery(uuid4())
