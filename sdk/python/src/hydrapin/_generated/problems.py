"""An error class for each problem code.

Generated from openapi.yaml by tools/python/generate.py. Do not edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .._errors import APIError

__all__ = [
    "AlreadyRedeemedError",
    "BY_CODE",
    "BusyError",
    "ChangedSinceApprovalError",
    "ExpiredError",
    "ForbiddenError",
    "FrozenError",
    "IdempotencyConflictError",
    "InternalError",
    "MethodNotAllowedError",
    "NotApprovedError",
    "NotFoundError",
    "NotPendingError",
    "NotRedeemedError",
    "OutcomeAlreadySetError",
    "PageOnlyError",
    "ParamsMismatchError",
    "PinInactiveError",
    "PinLockedError",
    "PinNotOwnError",
    "PinNotSetError",
    "PreconditionFailedError",
    "TooLargeError",
    "TooManyRequestsError",
    "TooManyWebhooksError",
    "UnauthorizedError",
    "UnavailableError",
    "UnsupportedMediaTypeError",
    "WebhookDisabledError",
    "WrongPinError",
]


class UnauthorizedError(APIError):
    """The server answered with the problem code `unauthorized`."""


class ForbiddenError(APIError):
    """The server answered with the problem code `forbidden`."""


class WrongPinError(APIError):
    """The server answered with the problem code `wrong-pin`."""


class PinLockedError(APIError):
    """The server answered with the problem code `pin-locked`."""


class PinInactiveError(APIError):
    """The server answered with the problem code `pin-inactive`."""


class NotPendingError(APIError):
    """The server answered with the problem code `not-pending`."""


class NotApprovedError(APIError):
    """The server answered with the problem code `not-approved`."""


class ExpiredError(APIError):
    """The server answered with the problem code `expired`."""


class AlreadyRedeemedError(APIError):
    """The server answered with the problem code `already-redeemed`."""


class ParamsMismatchError(APIError):
    """The server answered with the problem code `params-mismatch`."""


class ChangedSinceApprovalError(APIError):
    """The server answered with the problem code `changed-since-approval`."""


class IdempotencyConflictError(APIError):
    """The server answered with the problem code `idempotency-conflict`."""


class PreconditionFailedError(APIError):
    """The server answered with the problem code `precondition-failed`."""


class NotFoundError(APIError):
    """The server answered with the problem code `not-found`."""


class MethodNotAllowedError(APIError):
    """The server answered with the problem code `method-not-allowed`."""


class TooLargeError(APIError):
    """The server answered with the problem code `too-large`."""


class UnsupportedMediaTypeError(APIError):
    """The server answered with the problem code `unsupported-media-type`."""


class TooManyRequestsError(APIError):
    """The server answered with the problem code `too-many-requests`."""


class BusyError(APIError):
    """The server answered with the problem code `busy`."""


class UnavailableError(APIError):
    """The server answered with the problem code `unavailable`."""


class InternalError(APIError):
    """The server answered with the problem code `internal`."""


class FrozenError(APIError):
    """The server answered with the problem code `frozen`."""


class OutcomeAlreadySetError(APIError):
    """The server answered with the problem code `outcome-already-set`."""


class NotRedeemedError(APIError):
    """The server answered with the problem code `not-redeemed`."""


class TooManyWebhooksError(APIError):
    """The server answered with the problem code `too-many-webhooks`."""


class WebhookDisabledError(APIError):
    """The server answered with the problem code `webhook-disabled`."""


class PageOnlyError(APIError):
    """The server answered with the problem code `page-only`."""


class PinNotOwnError(APIError):
    """The server answered with the problem code `pin-not-own`."""


class PinNotSetError(APIError):
    """The server answered with the problem code `pin-not-set`."""


BY_CODE: Final[Mapping[str, type[APIError]]] = {
    "unauthorized": UnauthorizedError,
    "forbidden": ForbiddenError,
    "wrong-pin": WrongPinError,
    "pin-locked": PinLockedError,
    "pin-inactive": PinInactiveError,
    "not-pending": NotPendingError,
    "not-approved": NotApprovedError,
    "expired": ExpiredError,
    "already-redeemed": AlreadyRedeemedError,
    "params-mismatch": ParamsMismatchError,
    "changed-since-approval": ChangedSinceApprovalError,
    "idempotency-conflict": IdempotencyConflictError,
    "precondition-failed": PreconditionFailedError,
    "not-found": NotFoundError,
    "method-not-allowed": MethodNotAllowedError,
    "too-large": TooLargeError,
    "unsupported-media-type": UnsupportedMediaTypeError,
    "too-many-requests": TooManyRequestsError,
    "busy": BusyError,
    "unavailable": UnavailableError,
    "internal": InternalError,
    "frozen": FrozenError,
    "outcome-already-set": OutcomeAlreadySetError,
    "not-redeemed": NotRedeemedError,
    "too-many-webhooks": TooManyWebhooksError,
    "webhook-disabled": WebhookDisabledError,
    "page-only": PageOnlyError,
    "pin-not-own": PinNotOwnError,
    "pin-not-set": PinNotSetError,
}
