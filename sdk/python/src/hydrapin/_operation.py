"""One call as a generator of steps: what to send, and what its answer means.

Nothing here does input or output. A driver carries out the steps, with or without `await`, and sends
their results back in; so the rules for retries, answers and errors exist once.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from . import _wire as wire
from ._errors import (
    APIError, CallError, NoAnswerError, UnexpectedAnswerError, ValidationDetail, ValidationError,
)  # fmt: skip
from ._secret import Secret

T = TypeVar("T")

# The first pause doubles with each retry; a server that asks for a longer one than the longest is
# not called again.
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 30.0
PROBLEM = "urn:hydrapin:problem:"
# With these codes the server did nothing, so that any call may be repeated.
NOTHING_DONE = {(429, "too-many-requests"), (503, "busy")}
PASSING = {429, 502, 503, 504}
# Far above what the server answers.
MAX_ANSWER = 1 << 20

_SEGMENT = re.compile(r"[0-9A-Za-z_-]{1,128}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class InvalidArgument(ValueError):
    """An argument that no request can be made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[T]):
    """An operation of the contract."""

    id: str
    method: str
    path: str
    statuses: tuple[int, ...]
    decode: Callable[[object], T]
    etag: bool
    repeatable: bool
    repeat_keys: tuple[str, ...]
    segments: tuple[str, ...]
    """The path's parameters that are not UUIDs."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Request:
    """The arguments of a call. Its body may hold a PIN, and so it does not print."""

    path: Mapping[str, UUID | str | int] = field(default_factory=dict)
    query: Mapping[str, object] = field(default_factory=dict)
    header: Mapping[str, object] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class ResponseInfo:
    """What `on_response` gets for each attempt: never a body."""

    operation: str
    """The operationId of the contract."""
    status: int | None
    """The HTTP status; None where no whole answer came."""
    request_id: str | None
    attempt: int
    """1 for the first."""
    duration: float
    """In seconds."""


# The steps. A driver carries each out and sends its result in, or throws its exception.
@dataclass(frozen=True, slots=True)
class Authorise:
    """Returns the name and the value of the credential's header; the value is a Secret."""


@dataclass(frozen=True, slots=True, repr=False)
class Send:
    """Sends a request and returns a Reply or a Lost."""

    method: str
    path: str
    headers: tuple[tuple[str, str | Secret], ...]
    content: Secret | None
    timeout: float


@dataclass(frozen=True, slots=True)
class Sleep:
    """Waits that many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """Gives the hook what became of an attempt."""

    info: ResponseInfo


Steps = Generator[Any, Any, T]


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """A whole answer; its body is None where it is too long or cannot be decoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Lost:
    """No whole answer came."""

    message: str
    timed_out: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How a call is tried: the time for one attempt, how often it is repeated, when it must end."""

    timeout: float
    retries: int
    deadline: float = float("inf")


def perform(operation: Operation[T], request: Request, limits: Limits) -> Steps[T]:
    """Sends a call, again where that does no harm and may help, and returns what it answers."""
    path = path_of(operation, request)
    headers = [(name, str(value)) for name, value in request.header.items() if value is not None]
    content = Secret(encode(request.body)) if request.body is not None else None
    timeout = limits.timeout if request.timeout is None else request.timeout
    if not timeout > 0:
        raise InvalidArgument("timeout must be more than 0 seconds")
    # The server may take that much longer for a long poll.
    wait = request.query.get("wait_seconds")
    timeout += wait if isinstance(wait, (int, float)) else 0
    repeatable = operation.repeatable or has_key(operation, request)
    attempt = 0
    while True:
        attempt += 1
        credential = yield Authorise()
        began = time.monotonic()
        left = limits.deadline - began
        outcome: Reply | Lost = yield Send(
            operation.method, path, (*headers, credential), content, max(0.001, min(timeout, left))
        )
        answer = judge(operation, outcome)
        status = outcome.status if isinstance(outcome, Reply) else None
        request_id = request_id_of(outcome)
        if isinstance(answer, CallError):
            request_id = answer.request_id or request_id
        yield Report(
            ResponseInfo(operation.id, status, request_id, attempt, time.monotonic() - began)
        )
        if not isinstance(answer, CallError):
            return answer
        pause = pause_before_retry(attempt, answer, repeatable) if attempt <= limits.retries else None
        if pause is None or time.monotonic() + pause >= limits.deadline:
            raise answer
        yield Sleep(pause)


def has_key(operation: Operation[Any], request: Request) -> bool:
    """Whether the server recognises the same request by a key in its body."""
    body = request.body or {}
    return any(body.get(key) is not None for key in operation.repeat_keys)


def path_of(operation: Operation[Any], request: Request) -> str:
    values = {
        name: segment(value, name) if name in operation.segments else identifier(value, name)
        for name, value in request.path.items()
    }
    path = operation.path.format(**values)
    query = [
        (name, "true" if value is True else "false" if value is False else str(value))
        for name, value in request.query.items()
        if value is not None
    ]
    return f"{path}?{urlencode(query)}" if query else path


def identifier(value: object, name: str) -> str:
    """A UUID as the server writes it."""
    text = str(value)
    if isinstance(value, UUID) or (isinstance(value, str) and _UUID.fullmatch(text)):
        return text.lower()
    raise InvalidArgument(f"{name} is not a UUID")


def segment(value: object, name: str) -> str:
    """Another parameter of a path: nothing that could lead to another path."""
    text = str(value)
    if _SEGMENT.fullmatch(text):
        return text
    raise InvalidArgument(f"{name} cannot be part of a path")


def encode(body: Mapping[str, Any]) -> str:
    """The JSON of a body. A member that is None is left out: it means the same."""
    members = {name: value for name, value in body.items() if value is not None}
    try:
        text = json.dumps(members, ensure_ascii=False, allow_nan=False, default=_plain)
        text.encode("utf-8")
        return text
    except (TypeError, ValueError, RecursionError):
        # The cause could quote a value.
        raise InvalidArgument("the body cannot be written as JSON") from None


def _plain(value: object) -> object:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError


def judge(operation: Operation[T], outcome: Reply | Lost) -> T | CallError:
    """What an answer means: the value, or an error. Whatever is not recognised is an error."""
    if isinstance(outcome, Lost):
        return NoAnswerError(outcome.message, operation=operation.id, timed_out=outcome.timed_out)
    status, request_id = outcome.status, request_id_of(outcome)

    def unexpected(why: str) -> UnexpectedAnswerError:
        return UnexpectedAnswerError(
            f"the answer is not one of the contract's: {why}",
            operation=operation.id, status=status, request_id=request_id,
        )  # fmt: skip

    if outcome.status in operation.statuses:
        if outcome.body is None:
            return unexpected("its body is too long or cannot be decoded")
        try:
            if operation.decode in (wire.nothing, wire.raw):
                return operation.decode(outcome.body)
            value = operation.decode(wire.parse(outcome.body))
        except ValueError as error:
            return unexpected(str(error))
        if operation.etag:
            # The one field that the body does not have; nobody has seen the value yet.
            object.__setattr__(value, "etag", outcome.headers.get("etag"))
        return value
    if 400 <= outcome.status <= 599:
        return refusal(operation, outcome, request_id)
    return unexpected(f"status {outcome.status}")


def refusal(operation: Operation[Any], reply: Reply, request_id: str | None) -> APIError:
    """The error of an answer that refuses, also where something in front of the server wrote it."""
    try:
        body = wire.parse(reply.body or b"")
    except ValueError:
        body = None
    members: dict[str, Any] = body if isinstance(body, dict) else {}
    if reply.status == 422 and (details := details_of(members)):
        return ValidationError(details, operation=operation.id, request_id=request_id)
    kind, detail = members.get("type"), members.get("detail")
    code = None
    if isinstance(kind, str) and kind.startswith(PROBLEM) and isinstance(detail, str):
        code = kind.removeprefix(PROBLEM)
        if isinstance(members.get("request_id"), str):
            request_id = members["request_id"]
    attempts = members.get("attempts_remaining")
    from ._generated.problems import BY_CODE  # which imports this package's errors

    return BY_CODE.get(code or "", APIError)(
        operation=operation.id, status=reply.status, code=code,
        detail=detail if code and isinstance(detail, str) else "",
        request_id=request_id, retry_after=retry_after_of(reply),
        attempts_remaining=attempts if type(attempts) is int else None,
        locked_until=_time_or_none(members.get("locked_until")),
    )  # fmt: skip


def details_of(members: Mapping[str, Any]) -> tuple[ValidationDetail, ...]:
    details = members.get("detail")
    if not isinstance(details, list):
        return ()
    read = []
    for d in details:
        if not isinstance(d, dict) or not isinstance(d.get("loc"), list):
            return ()
        if not isinstance(d.get("msg"), str) or not isinstance(d.get("type"), str):
            return ()
        if not all(isinstance(l, (str, int)) for l in d["loc"]):
            return ()
        read.append(ValidationDetail(tuple(d["loc"]), d["msg"], d["type"]))
    return tuple(read)


def _time_or_none(value: object) -> datetime | None:
    try:
        return wire.time(value)
    except ValueError:
        return None


def request_id_of(outcome: Reply | Lost) -> str | None:
    return outcome.headers.get("x-request-id") if isinstance(outcome, Reply) else None


def retry_after_of(reply: Reply) -> float | None:
    """Retry-After in seconds (RFC 9110, section 10.2.3)."""
    value = reply.headers.get("retry-after")
    if value is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=timezone.utc)
    return max(0.0, (at - datetime.now(timezone.utc)).total_seconds())


def pause_before_retry(attempt: int, error: CallError, repeatable: bool) -> float | None:
    """How long to wait before the next attempt; None where there must be none."""
    asked = None
    if isinstance(error, APIError):
        if (error.status, error.code) not in NOTHING_DONE and not (
            repeatable and error.status in PASSING
        ):
            return None
        asked = error.retry_after
    elif not (isinstance(error, NoAnswerError) and repeatable):
        return None
    # Partly random, so that clients that failed together do not come back together.
    if asked is not None and asked > 0:
        return None if asked > LONGEST_PAUSE else asked + random.random() * FIRST_PAUSE
    half = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempt - 1, 20)) / 2
    return half + random.random() * half
