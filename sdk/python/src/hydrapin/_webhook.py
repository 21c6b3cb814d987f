"""Webhooks: Standard Webhooks 1.0 (https://www.standardwebhooks.com), signatures `v1`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from . import _wire as wire
from ._errors import HydrapinError
from ._secret import Secret, revealed

TOLERANCE = 300


class WebhookError(HydrapinError):
    """A webhook that cannot be trusted. It holds no part of it."""


def verify_webhook(
    payload: bytes | str, headers: Mapping[str, str], secret: str | Secret | Sequence[str | Secret],
    *, now: float | None = None,
) -> dict[str, Any]:
    """Returns the payload of a webhook that was signed with the secret within five minutes.

    - `payload`: the body as it came, before any parsing.
    - `headers`: `webhook-id`, `webhook-timestamp` and `webhook-signature`, in any case.
    - `secret`: as the server showed it, `whsec_…`; several while a secret is being rotated.
    - `now`: the time in seconds, for tests.

    A webhook is notice that something happened, and never a reason to run a skill. The same one may
    come again: `webhook-id` tells.
    """
    secrets = [secret] if isinstance(secret, (str, Secret)) else list(secret)
    keys = [_key(s) for s in secrets]
    if not keys:
        raise WebhookError("no secret to verify with")
    body = payload.encode("utf-8") if isinstance(payload, str) else bytes(payload)
    given = {str(name).lower(): value for name, value in headers.items()}
    try:
        message, stamp = given["webhook-id"], given["webhook-timestamp"]
        signatures = given["webhook-signature"].split(" ")
    except KeyError as missing:
        raise WebhookError(f"the header {missing.args[0]} is missing") from None
    if not re.fullmatch(r"[0-9]{1,12}", stamp):
        raise WebhookError("webhook-timestamp is not a number of seconds")
    signed = f"{message}.{stamp}.".encode() + body
    expected = [hmac.new(key, signed, hashlib.sha256).digest() for key in keys]
    # Each pair is compared, so that the time says nothing about which one fitted.
    good = [hmac.compare_digest(e, _signature(s)) for s in signatures for e in expected]
    if not any(good):
        raise WebhookError("no signature fits")
    age = (time.time() if now is None else now) - int(stamp)
    if abs(age) > TOLERANCE:
        raise WebhookError("webhook-timestamp is more than five minutes from now")
    try:
        value = wire.parse(body)
    except ValueError as error:
        raise WebhookError(f"the payload is {error}") from None
    if not isinstance(value, dict):
        raise WebhookError("the payload is not an object")
    return value


def _key(secret: str | Secret) -> bytes:
    text = revealed(secret).removeprefix("whsec_").rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise WebhookError("the secret is not whsec_ and base64") from None
    return key


def _signature(text: str) -> bytes:
    version, _, encoded = text.partition(",")
    try:
        return base64.b64decode(encoded, validate=True) if version == "v1" else b""
    except (binascii.Error, ValueError):
        return b""
