"""Whether an answer belongs to its call: an answer of another confirmation or skill means "no"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._canonical import canonical_params
from ._errors import UnexpectedAnswerError
from ._generated import operations as ops
from ._generated.models import Confirmation, PinPolicy
from ._operation import InvalidArgument, Operation, Request, identifier

STATUSES = {"not_required", "pending", "approved", "blocked", "declined", "expired", "redeemed"}
NOT_STORED = {"not_required", "blocked"}


class Mismatch(ValueError):
    """An answer that does not belong to its call."""


def question(body: Mapping[str, Any]) -> None:
    """Refuses a question that cannot be asked."""
    if (body.get("customer_id") is None) == (body.get("identity_id") is None):
        raise InvalidArgument("give exactly one of customer_id and identity_id")
    identifier(body.get("customer_id") or body.get("identity_id"), "the holder")
    for name in ("skill", "role"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise InvalidArgument(f"{name} is missing")
    action = body.get("action")
    if action is not None:
        if not isinstance(action, Mapping) or not isinstance(action.get("summary"), str):
            raise InvalidArgument("an action has a summary and params")
        if any("\ud800" <= c <= "\udfff" for c in action["summary"]):
            raise InvalidArgument("the summary has a lone surrogate")
        canonical_params(action.get("params"))  # type: ignore[arg-type]  # it looks at the type


def request(operation: Operation[Any], request: Request) -> None:
    """Refuses what must not be sent."""
    body = request.body or {}
    if operation.id == ops.ASK_CONFIRMATION.id:
        question(body)
    elif operation.id == ops.REDEEM_CONFIRMATION.id and body.get("params") is not None:
        canonical_params(body["params"])


def answer(operation: Operation[Any], request: Request, value: object) -> None:
    """Refuses an answer that does not belong to the call, with an UnexpectedAnswerError."""
    try:
        if isinstance(value, Confirmation):
            _confirmation(operation, request, value)
        elif isinstance(value, PinPolicy):
            _equal(str(value.instance_id), request.path.get("instance_id"), "another instance")
    except Mismatch as error:
        raise UnexpectedAnswerError(
            f"the answer does not belong to the call: {error}", operation=operation.id
        ) from None


def _confirmation(operation: Operation[Any], request: Request, c: Confirmation) -> None:
    well_formed(c)
    if "confirmation_id" in request.path:
        _equal(str(c.id), request.path["confirmation_id"], "another confirmation")
    body = request.body or {}
    if operation.id == ops.ASK_CONFIRMATION.id:
        same_question(body, c)
    if operation.id == ops.VERIFY_CONFIRMATION.id and c.status != "approved":
        raise Mismatch("its status is not approved")
    if operation.id == ops.REDEEM_CONFIRMATION.id:
        if c.status != "redeemed":
            raise Mismatch("its status is not redeemed")
        if body.get("skill") is not None and c.skill != body["skill"]:
            raise Mismatch("it is about another skill")


def well_formed(c: Confirmation) -> None:
    """Refuses an answer that contradicts itself."""
    if c.status not in STATUSES:
        raise Mismatch("its status is unknown")
    if (c.id is None) != (c.status in NOT_STORED):
        raise Mismatch("its status and its id contradict each other")
    if (c.customer_id is None) == (c.identity_id is None):
        raise Mismatch("it has not exactly one holder")


def same_question(body: Mapping[str, Any], c: Confirmation) -> None:
    """Refuses an answer to another question."""
    if c.skill != body["skill"]:
        raise Mismatch("it is about another skill")
    if c.role != body["role"]:
        raise Mismatch("it is about another role")
    for name, value in (("customer_id", c.customer_id), ("identity_id", c.identity_id)):
        wanted = body.get(name)
        if (value is None) != (wanted is None):
            raise Mismatch("it is about another holder")
        if wanted is not None:
            _equal(str(value), wanted, "another holder")


def _equal(value: str, wanted: object, what: str) -> None:
    if value != str(wanted).lower():
        raise Mismatch(f"it is about {what}")
