"""guard: ask, show, wait, redeem, run, report the outcome, as one generator of steps.

The one law: the function runs only after a 200 of redeem that belongs to the question, with exactly
the params that were confirmed. Whatever else happens is a NotConfirmedError.
"""

from __future__ import annotations

import inspect
import json
import math
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NoReturn, Protocol, TypeVar
from uuid import UUID

from . import _checks as checks
from ._canonical import ParamsError, canonical_params, digest_of
from ._errors import (
    APIError, HydrapinError, NoAnswerError, NotConfirmedError, Reason, UnexpectedAnswerError,
)  # fmt: skip
from ._generated import operations as ops
from ._generated.models import Confirmation
from ._operation import InvalidArgument, Limits, Operation, Request, Sleep, Steps, perform
from ._secret import Secret

T = TypeVar("T")

# One long poll, within the server's limit of 30 s.
POLL = 25
# Between two polls, for a server that does not wait.
BETWEEN_POLLS = 1.0
# While a cancel event can end the wait, a poll is short enough to notice it.
POLL_WITH_CANCEL = 2
# How far an honest server's answer may come after the question has expired.
GRACE = 60.0
# How long guard spends on withdrawing a question, and on reporting an outcome.
WITHDRAW = 2.0
OUTCOME = 5.0

OUTCOME_ROUTE = (
    "POST", "/internal/v1/instances/{instance_id}/confirmations/{confirmation_id}/outcome",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grant:
    """What lets the function run."""

    confirmation: Confirmation
    """The redeemed confirmation, or with `allow_not_required` one that is `not_required`."""
    params: dict[str, Any] | None
    """The params that were confirmed; None where the question has no action. Run with these."""
    receipt: Secret | None
    """The signed proof of the approval, for a skill that checks it."""


class Flag(Protocol):
    """What says that the caller gave up, such as a threading.Event."""

    def is_set(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How guard asks and waits."""

    wait: float | None
    on_pending: Callable[[Confirmation], Any] | None
    allow_not_required: bool
    cancel: Flag | None
    instance: UUID
    limits: Limits


# Steps that only guard has.
@dataclass(frozen=True, slots=True)
class Show:
    """Calls on_pending; an asynchronous driver starts it, to run beside what follows."""

    on_pending: Callable[[Confirmation], Any]
    confirmation: Confirmation


@dataclass(frozen=True, slots=True)
class Shown:
    """The wait is over: ends what Show started."""


@dataclass(frozen=True, slots=True)
class Run:
    """Runs the function and returns a Ran."""

    function: Callable[[Grant], Any]
    grant: Grant


@dataclass(frozen=True, slots=True)
class Ran(Generic[T]):
    """What the function returned or raised."""

    value: T | None = None
    error: BaseException | None = None


@dataclass(slots=True)
class _Asked:
    """A question as it was when guard was called: what changes later changes nothing."""

    body: dict[str, Any]
    params: dict[str, Any] | None
    digest: str | None
    own_key: bool
    # Kept as far as it is known, for the error and for withdrawing.
    last: Confirmation | None = field(default=None)
    open: bool = field(default=False)

    def see(self, confirmation: Confirmation) -> None:
        self.last = confirmation
        self.open = confirmation.status in {"pending", "approved"}


def guard(question: Mapping[str, Any], function: Callable[[Grant], Any], o: Options) -> Steps[Ran[Any]]:
    """Runs the function if the person confirms, and returns what became of it."""
    grant = yield from _confirm(question, function, o)
    ran: Ran[Any] = yield Run(function, grant)
    outcome = "executed"
    if ran.error is not None:
        outcome = "failed" if isinstance(ran.error, Exception) else "unknown"
    yield from _report(grant, outcome, o)
    return ran


def _confirm(
    question: Mapping[str, Any], function: Callable[[Grant], Any], o: Options
) -> Steps[Grant]:
    try:
        asked = _prepare(question, function, o)
    except (ParamsError, InvalidArgument) as error:
        raise NotConfirmedError("invalid", note=f": {error}") from error
    try:
        return (yield from _approved_and_redeemed(asked, o))
    except NotConfirmedError as error:
        if error.reason != "still_pending":
            yield from _withdraw(asked, o)
        raise
    except Exception as error:
        yield from _withdraw(asked, o)
        note = f": {error}" if isinstance(error, (HydrapinError, checks.Mismatch)) else ""
        raise _not(asked, reason_of(error), note) from error
    except GeneratorExit:
        raise
    except BaseException:
        # Cancelled or interrupted: that goes on, after one attempt to withdraw the question.
        yield from _withdraw(asked, o)
        raise


def _approved_and_redeemed(asked: _Asked, o: Options) -> Steps[Grant]:
    _stop_if_cancelled(asked, o)
    c = yield from _call(ops.ASK_CONFIRMATION, o, body=asked.body)
    _same_question(asked, c)
    asked.see(c)
    if c.status == "not_required":
        if c.reason not in {"role_excluded", "skill_not_listed"}:
            raise _not(asked, "unrecognised", ": no PIN is needed, for an unknown reason")
        if not o.allow_not_required:
            raise _not(asked, "not_required", (
                f": the policy of instance {o.instance} requires no PIN for the skill "
                f"{json.dumps(c.skill)}; check its spelling, or pass allow_not_required"
            ))
        _stop_if_cancelled(asked, o)
        return Grant(c, asked.params, None)
    if c.status == "blocked":
        raise _not(asked, "blocked")
    if c.status == "pending":
        c = yield from _decided(asked, c, o)
    _must_be_approved(asked, c)
    receipt = c.receipt
    _stop_if_cancelled(asked, o)
    redemption: dict[str, Any] = {"skill": asked.body["skill"]}
    if asked.params is not None:
        redemption["params"] = asked.params
    c = yield from _call(ops.REDEEM_CONFIRMATION, o, confirmation=c.id, body=redemption)
    _same_question(asked, c)
    asked.see(c)
    _stop_if_cancelled(asked, o)
    # The function may change its params as it likes: they are its own.
    return Grant(c, asked.params, receipt)


def _must_be_approved(asked: _Asked, c: Confirmation) -> None:
    if c.status != "approved":
        endings: dict[str, Reason] = {
            "declined": "declined", "expired": "expired", "redeemed": "refused",
        }  # fmt: skip
        raise _not(asked, endings.get(c.status, "unrecognised"))
    if c.reason not in {"pin", "session"}:
        raise _not(asked, "unrecognised", ": approved for an unknown reason")
    if asked.params is not None and c.reason != "pin":
        raise _not(asked, "unrecognised", ": a session does not cover an action")


def _decided(asked: _Asked, c: Confirmation, o: Options) -> Steps[Confirmation]:
    """Waits until the question is decided, or as long as the caller wants to wait."""
    longest = float(asked.body.get("expires_in_seconds") or 300) + GRACE
    if o.on_pending is not None:
        yield Show(o.on_pending, c)
    end = time.monotonic() + (longest if o.wait is None else min(o.wait, longest))
    try:
        while True:
            _stop_if_cancelled(asked, o)
            began = time.monotonic()
            left = max(0.0, end - began)
            poll = math.ceil(min(left, POLL if o.cancel is None else POLL_WITH_CANCEL))
            c = yield from _call(
                ops.GET_CONFIRMATION, o, confirmation=c.id, query={"wait_seconds": poll or None}
            )
            _same_question(asked, c)
            asked.see(c)
            if c.status != "pending":
                return c
            now = time.monotonic()
            if now >= end:
                raise _not(asked, "still_pending")
            yield Sleep(min(max(0.0, BETWEEN_POLLS - (now - began)), end - now))
    finally:
        if o.on_pending is not None:
            yield Shown()


def _report(grant: Grant, outcome: str, o: Options) -> Steps[None]:
    """Reports the outcome. Nothing depends on it, so nothing that it raises matters."""
    operation = ops.BY_ROUTE.get(OUTCOME_ROUTE)
    if operation is None or grant.confirmation.id is None:
        return
    try:
        yield from _call(
            operation, o, confirmation=grant.confirmation.id, body={"outcome": outcome},
            deadline=time.monotonic() + OUTCOME,
        )  # fmt: skip
    except Exception:
        return


def _withdraw(asked: _Asked, o: Options) -> Steps[None]:
    """Declines a question that nobody could continue with. What cannot be declined expires."""
    if not (asked.own_key and asked.open and asked.last and asked.last.id):
        return
    try:
        yield from _call(
            ops.DECLINE_CONFIRMATION, o, confirmation=asked.last.id, retries=0,
            deadline=time.monotonic() + WITHDRAW,
        )  # fmt: skip
    except Exception:
        return


def _call(
    operation: Operation[T], o: Options, *, confirmation: UUID | None = None,
    body: Mapping[str, Any] | None = None, query: Mapping[str, object] | None = None,
    retries: int | None = None, deadline: float = math.inf,
) -> Steps[T]:
    path = {"instance_id": o.instance}
    if confirmation is not None:
        path["confirmation_id"] = confirmation
    limits = Limits(
        timeout=o.limits.timeout,
        retries=o.limits.retries if retries is None else retries, deadline=deadline,
    )  # fmt: skip
    request = Request(path=path, query=query or {}, body=body)
    answer = yield from perform(operation, request, limits)
    checks.answer(operation, request, answer)
    return answer


def _prepare(question: Mapping[str, Any], function: object, o: Options) -> _Asked:
    if not callable(function):
        raise InvalidArgument("the function cannot be called")
    if o.wait is not None and not o.wait >= 0:
        raise InvalidArgument("wait must not be negative")
    if not isinstance(question, Mapping):
        raise InvalidArgument("the question must be a dict")
    body = {name: value for name, value in question.items() if value is not None}
    key = body.get("idempotency_key", body.get("call_key"))
    own = key is None
    if own:
        # Its own for each question: only what this call asks can be its answer.
        key = body["idempotency_key"] = secrets.token_urlsafe(24)
    if not isinstance(key, str) or not key:
        raise InvalidArgument("the key must be a str, and not empty")
    params = digest = None
    if "action" in body:
        action = body["action"]
        if not isinstance(action, Mapping) or not {"summary", "params"} <= action.keys():
            raise InvalidArgument("an action has a summary and params")
        # Written and read once: what is confirmed, redeemed and run is the same, and nobody else's.
        text = canonical_params(action["params"])
        params, digest = json.loads(text), digest_of(text)
        body["action"] = {"summary": action["summary"], "params": json.loads(text)}
    checks.question(body)
    return _Asked(body, params, digest, own)


def _same_question(asked: _Asked, c: Confirmation) -> None:
    checks.same_question(asked.body, c)
    # Where nothing is stored, the answer is about the skill alone.
    if c.action_digest != asked.digest and not (c.id is None and c.action_digest is None):
        raise checks.Mismatch("it is about other params")


def _stop_if_cancelled(asked: _Asked, o: Options) -> None:
    if o.cancel is not None and o.cancel.is_set():
        raise _not(asked, "cancelled")


def _not(asked: _Asked, reason: Reason, note: str = "") -> NotConfirmedError:
    key = asked.body.get("idempotency_key")
    return NotConfirmedError(reason, confirmation=asked.last, idempotency_key=key, note=note)


def reason_of(error: Exception) -> Reason:
    """Why nothing ran, for an error of a call or of on_pending."""
    if isinstance(error, NoAnswerError):
        return "unreachable"
    if isinstance(error, (UnexpectedAnswerError, checks.Mismatch)):
        return "unrecognised"
    if isinstance(error, APIError):
        return _reason_of_refusal(error)
    if isinstance(error, (ParamsError, InvalidArgument)):
        return "invalid"
    if isinstance(error, HydrapinError):
        return "unreachable"  # no credential: nothing was sent
    return "cancelled"  # on_pending gave up


def _reason_of_refusal(error: APIError) -> Reason:
    by_code: dict[str | None, Reason] = {
        "wrong-pin": "incorrect_pin", "pin-locked": "locked", "pin-inactive": "locked",
        "expired": "expired",
    }  # fmt: skip
    if error.code in by_code:
        return by_code[error.code]
    if error.status == 422:
        return "invalid"
    if error.status is not None and error.status >= 500:
        return "unreachable"
    return "refused" if error.code else "unrecognised"


def refuse_coroutine(function: object) -> None:
    """A synchronous guard would redeem and then not run it."""
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)
    ):
        _refuse("the function is asynchronous: use AsyncRuntime")


def _refuse(why: str) -> NoReturn:
    raise NotConfirmedError("invalid", note=f": {why}")
