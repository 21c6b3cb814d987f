"""Every error of the package. Whatever its kind, the skill must not run. None holds a PIN or a key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from ._generated.models import Confirmation

Reason = Literal[
    "not_required", "blocked", "incorrect_pin", "locked", "declined", "expired", "still_pending",
    "cancelled", "unreachable", "refused", "unrecognised", "invalid",
]  # fmt: skip
REASONS: frozenset[str] = frozenset(get_args(Reason))


class HydrapinError(Exception):
    """The base of every error of this package."""


class ConfigurationError(HydrapinError, ValueError):
    """A client cannot be made from what it was given."""


class CredentialError(HydrapinError):
    """A call was not sent: the key or token is empty or has characters that no header can have."""


class CallError(HydrapinError):
    """A call that did not succeed."""

    def __init__(
        self, message: str, *, operation: str, status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(f"{operation}: {message}" + (f" (request {request_id})" if request_id else ""))
        self.operation = operation
        """The operationId of the contract."""
        self.status = status
        """The HTTP status; None where there was no answer."""
        self.request_id = request_id
        """The id under which the server logged the request, where it sent one."""


class NoAnswerError(CallError):
    """No whole answer came. What was asked for may have happened all the same."""

    def __init__(self, message: str, *, operation: str, timed_out: bool) -> None:
        super().__init__(message, operation=operation)
        self.timed_out = timed_out


class UnexpectedAnswerError(CallError):
    """An answer that is not one of the contract's, or not to this call. It means "no"."""


class APIError(CallError):
    """The server, or something in front of it, refused the call.

    There is a subclass for each problem code, in `hydrapin.errors`.
    """

    def __init__(
        self, *, operation: str, status: int, code: str | None, detail: str,
        request_id: str | None, retry_after: float | None,
        attempts_remaining: int | None = None, locked_until: datetime | None = None,
    ) -> None:
        super().__init__(
            f"{status}{f' {code}' if code else ''}{f': {detail}' if detail else ''}",
            operation=operation, status=status, request_id=request_id,
        )  # fmt: skip
        self.code = code
        """The problem code, such as `wrong-pin`; None where hydrapin did not write the answer."""
        self.detail = detail
        """What happened, for people."""
        self.retry_after = retry_after
        """After how many seconds to try again, where the server says so."""
        self.attempts_remaining = attempts_remaining
        """How many attempts are left until the next lock, where it applies."""
        self.locked_until = locked_until
        """When the lock ends, where there is one."""


@dataclass(frozen=True, slots=True)
class ValidationDetail:
    """One validation error of a request."""

    loc: tuple[str | int, ...]
    """Where it is, such as `("body", "pin_required_skills", 1)`."""
    msg: str
    """What is wrong, for people; never the value."""
    type: str
    """What is wrong, for programs."""


class ValidationError(APIError):
    """422: the request is not valid."""

    def __init__(
        self, details: tuple[ValidationDetail, ...], *, operation: str, request_id: str | None
    ) -> None:
        text = "; ".join(f"{'.'.join(map(str, d.loc))}: {d.msg} ({d.type})" for d in details)
        super().__init__(
            operation=operation, status=422, code=None, detail=text, request_id=request_id,
            retry_after=None,
        )  # fmt: skip
        self.details = details


class NotConfirmedError(HydrapinError):
    """`guard` did not run the function. `reason` says why, and `__cause__` has the error, if any."""

    def __init__(
        self, reason: Reason, *, confirmation: Confirmation | None = None,
        idempotency_key: str | None = None, note: str = "",
    ) -> None:
        self.reason: Reason = reason
        self.confirmation = confirmation
        """The confirmation as it was last seen; None where the question was not answered."""
        self.idempotency_key = idempotency_key
        """Ask again with this key to continue with the same question, after `still_pending`."""
        detail = confirmation.reason if confirmation and reason in {"blocked", "declined"} else None
        self.detail = detail
        """Why it is blocked or declined, as the server says it; else None."""
        super().__init__(f"not confirmed: {reason}{f' ({detail})' if detail else ''}{note}")
