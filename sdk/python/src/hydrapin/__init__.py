"""A person confirms with a PIN before an agent's skill runs: the client of hydrapin.

`Runtime.guard` and `AsyncRuntime.guard` are what an agent's runtime calls; `Admin` and `AsyncAdmin`
are for a tenant's back end. The checks of receipts are in `hydrapin.receipts`, the types of requests
and answers in `hydrapin.models`, the errors in `hydrapin.errors`.
"""

from ._canonical import canonical_params, params_digest, parse_params
from ._clients import Admin, AsyncAdmin, AsyncRuntime, Runtime
from ._errors import (
    APIError, CallError, ConfigurationError, CredentialError, HydrapinError, NoAnswerError,
    NotConfirmedError, Reason, UnexpectedAnswerError, ValidationDetail, ValidationError,
)  # fmt: skip
from ._canonical import ParamsError
from ._generated.models import AskConfirmation, Confirmation, PinPolicy, PinStatus
from ._generated.problems import WrongPinError
from ._guard import Grant
from ._operation import InvalidArgument, ResponseInfo
from ._secret import Secret
from ._summary import SummaryError, summary
from ._version import VERSION as __version__
from ._webhook import WebhookError, verify_webhook

__all__ = [
    "APIError", "Admin", "AskConfirmation", "AsyncAdmin", "AsyncRuntime", "CallError",
    "ConfigurationError", "Confirmation", "CredentialError", "Grant", "HydrapinError",
    "InvalidArgument", "NoAnswerError", "NotConfirmedError", "ParamsError", "PinPolicy",
    "PinStatus", "Reason", "ResponseInfo", "Runtime", "Secret", "SummaryError",
    "UnexpectedAnswerError", "ValidationDetail", "ValidationError", "WebhookError",
    "WrongPinError", "__version__", "canonical_params", "params_digest", "parse_params", "summary",
    "verify_webhook",
]  # fmt: skip
