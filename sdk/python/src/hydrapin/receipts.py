"""Checks receipts offline: that a person confirmed a skill with their PIN.

A skill that is handed a receipt by an agent's runtime checks it with the server's published keys,
without a call to the server. A receipt proves approval, not that it still holds: a PIN that was
changed or locked since is seen only by the server's redeem, which is what `guard` calls.

This module needs `pip install hydrapin[receipts]`.
"""

from __future__ import annotations

import base64
import binascii
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final, Literal, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from . import _wire as wire
from ._canonical import ParamsError, params_digest, parse_params
from ._connection import direct_hosts, is_loopback
from ._errors import HydrapinError
from ._operation import InvalidArgument, identifier
from ._secret import Secret, revealed

__all__ = [
    "NO_ACTION", "KeySource", "MemorySeen", "Receipt", "ReceiptError", "ReceiptErrorCode",
    "ReceiptVerifier", "RemoteKeys", "Seen", "keys_from_jwks",
]  # fmt: skip

ReceiptErrorCode = Literal[
    "expectation_incomplete", "malformed", "unknown_key", "keys_unavailable", "bad_signature",
    "expired", "not_yet_valid", "mismatch", "replayed", "seen_unavailable",
]  # fmt: skip

TYPE: Final = "pin-receipt+jwt"
LEEWAY: Final = 30
MAX_LENGTH: Final = 4096
MAX_SEEN: Final = 100_000
SWEEP_EVERY: Final = 10.0


class ReceiptError(HydrapinError):
    """A receipt was refused: the skill must not run. It holds no part of the receipt."""

    def __init__(self, code: ReceiptErrorCode, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code: ReceiptErrorCode = code
        """Why, for programs."""


class _NoAction:
    """The type of NO_ACTION."""

    def __repr__(self) -> str:
        return "NO_ACTION"


NO_ACTION: Final = _NoAction()
"""Expects that the skill as such was confirmed, without params: for skills that take none."""

KeySource = Callable[[str], bytes]
"""Returns the 32 bytes of the Ed25519 key with that id, or raises a ReceiptError."""


class Seen(Protocol):
    """Remembers the receipts that were accepted, so that each is accepted once.

    Processes that run the same skill must share one. A table whose primary key is the id will do:
    insert, and see whether a row came in.
    """

    def add(self, id: str, until: datetime) -> bool:
        """Notes the id at least until then. Of several calls at once, exactly one returns True."""


class MemorySeen:
    """A Seen for a skill that runs in one process. When it is full it refuses."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}
        self._latest = 0.0
        self._sweep = 0.0

    def add(self, id: str, until: datetime) -> bool:
        with self._lock:
            # A clock that is set back must not bring to life what was forgotten.
            self._latest = max(self._latest, time.time())
            if self._sweep <= self._latest:
                self._sweep = self._latest + SWEEP_EVERY
                self._until = {i: end for i, end in self._until.items() if end > self._latest}
            end = until.timestamp()
            if id in self._until or not end > self._latest:
                return False
            if len(self._until) >= MAX_SEEN:
                raise OverflowError("too many receipts at once")
            self._until[id] = end
            return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a genuine receipt said that nobody had to expect."""

    id: UUID
    """The confirmation."""
    skill: str
    role: str
    """`owner` or `customer`."""
    method: str
    """`pin`: a PIN for this very question; `session`: an earlier PIN, within its session."""
    auth_time: datetime
    """When that PIN was entered."""
    issued_at: datetime
    """When the confirmation was approved."""
    expires_at: datetime


class ReceiptVerifier:
    """Checks the receipts of one server. Make one when the program starts, and keep it.

    - `issuer`: the server's HYDRAPIN_PUBLIC_URL, exactly as it is set there.
    - `keys`: `RemoteKeys(...)` or `keys_from_jwks(...)`.
    - `seen`: what finds a receipt that is used twice.

    It may be used by several threads at once. `verify` may fetch keys: call it with
    `asyncio.to_thread` in asynchronous code.
    """

    def __init__(self, issuer: str, keys: KeySource, seen: Seen) -> None:
        if not issuer or keys is None or seen is None:
            raise _incomplete("issuer, keys and seen must be given")
        self._issuer, self._keys, self._seen = issuer, keys, seen

    def verify(
        self, receipt: str | Secret, *, tenant_id: UUID | str, instance_id: UUID | str,
        holder_type: Literal["customer", "identity"], holder_id: UUID | str, skill: str,
        params: Mapping[str, Any] | _NoAction,
    ) -> Receipt:  # fmt: skip
        """Returns the receipt when it is genuine, in time, new, and proves what is expected.

        Only then may the skill run. From then on it counts as seen; a refusal uses nothing up.
        `params` are those that the skill is about to run with, or NO_ACTION.
        """
        digest = _digest(params)
        try:
            tenant, instance = identifier(tenant_id, "tenant_id"), identifier(instance_id, "instance_id")
            holder = identifier(holder_id, "holder_id")
        except InvalidArgument as error:
            raise _incomplete(str(error)) from None
        if holder_type not in {"customer", "identity"}:
            raise _incomplete("holder_type must be customer or identity")
        if not isinstance(skill, str) or not skill or skill.endswith("*"):
            raise _incomplete("skill is missing")
        claims = self._open(revealed(receipt) if isinstance(receipt, (str, Secret)) else "")
        for claim, wanted in (
            ("iss", self._issuer), ("tenant_id", tenant), ("aud", f"{tenant}/{instance}"),
            ("holder_type", holder_type), ("sub", holder), ("skill", skill),
            ("action_digest", digest),
        ):  # fmt: skip
            if claims.get(claim) != wanted:
                raise ReceiptError("mismatch", f"the receipt proves something else: {claim}")
        read = _read(claims)
        now = time.time()
        if now >= read.expires_at.timestamp() + LEEWAY:
            raise ReceiptError("expired", "it is too late to use the receipt")
        if read.issued_at.timestamp() > now + LEEWAY:
            raise ReceiptError("not_yet_valid", "the receipt was issued in the future")
        try:
            until = datetime.fromtimestamp(read.expires_at.timestamp() + LEEWAY, timezone.utc)
            first = self._seen.add(str(read.id), until)
        except Exception as error:
            raise ReceiptError("seen_unavailable", "the store of seen receipts failed") from error
        if first is not True:
            raise ReceiptError("replayed", "the receipt was already used")
        return read

    def _open(self, token: str) -> dict[str, Any]:
        """The claims of a token whose signature is good (RFC 7515, section 5.2).

        There is one algorithm, called by name: no value of the header chooses one.
        """
        parts = token.split(".")
        if len(token) > MAX_LENGTH or len(parts) != 3:
            raise _malformed("its form")
        header = _object(parts[0], "header")
        if set(header) != {"alg", "typ", "kid"} or header["alg"] != "EdDSA" or header["typ"] != TYPE:
            raise _malformed("header")
        if not isinstance(header["kid"], str) or not header["kid"]:
            raise _malformed("header")
        signature = _decode(parts[2], "signature")
        if len(signature) != 64:
            raise _malformed("signature")
        try:
            key = self._keys(header["kid"])
        except ReceiptError:
            raise
        except Exception as error:
            raise ReceiptError("keys_unavailable", "the key source failed") from error
        if not isinstance(key, bytes) or len(key) != 32:
            raise ReceiptError("unknown_key", "there is no such key")
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, f"{parts[0]}.{parts[1]}".encode())
        except InvalidSignature:
            raise ReceiptError("bad_signature", "the receipt was not signed with its key") from None
        claims = _object(parts[1], "payload")
        _read(claims)
        return claims


def _digest(params: object) -> str | None:
    if params is NO_ACTION:
        return None
    if not isinstance(params, Mapping):
        raise _incomplete("params must be a dict, or NO_ACTION")
    try:
        return params_digest(params)
    except ParamsError as error:
        raise _incomplete(str(error)) from None


def _read(claims: Mapping[str, Any]) -> Receipt:
    """The claims, each present and of its type. Those that it does not know are left alone."""
    for name in ("iss", "aud", "sub", "tenant_id", "skill"):
        if not isinstance(claims.get(name), str) or not claims[name]:
            raise _malformed(name)
    if claims.get("holder_type") not in {"customer", "identity"}:
        raise _malformed("holder_type")
    if claims.get("role") not in {"owner", "customer"}:
        raise _malformed("role")
    if claims.get("amr") not in (["pin"], ["session"]):
        raise _malformed("amr")
    method = claims["amr"][0]
    if "action_digest" in claims:
        # A session never covers an action.
        digest = claims["action_digest"]
        if not isinstance(digest, str) or not digest or method != "pin":
            raise _malformed("action_digest")
    try:
        id = wire.uuid(claims.get("jti"))
    except ValueError:
        raise _malformed("jti") from None
    return Receipt(
        id=id, skill=claims["skill"], role=claims["role"], method=method,
        auth_time=_time(claims, "auth_time"), issued_at=_time(claims, "iat"),
        expires_at=_time(claims, "exp"),
    )  # fmt: skip


def _time(claims: Mapping[str, Any], name: str) -> datetime:
    seconds = claims.get(name)
    # The bound is the last second that datetime has.
    if type(seconds) is not int or not 0 < seconds <= 253_402_300_000:
        raise _malformed(name)
    return datetime.fromtimestamp(seconds, timezone.utc)


def _decode(part: str, what: str) -> bytes:
    """base64url without padding (RFC 7515, section 2), in its one spelling."""
    try:
        raw = base64.b64decode(part.encode("ascii") + b"=" * (-len(part) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _malformed(what) from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise _malformed(what)
    return raw


def _object(part: str, what: str) -> dict[str, Any]:
    """Read as strictly as params: with a name twice, two readers would read two tokens."""
    try:
        return parse_params(_decode(part, what))
    except ParamsError:
        raise _malformed(what) from None


def _malformed(what: str) -> ReceiptError:
    return ReceiptError("malformed", f"this is not a receipt: {what}")


def _incomplete(what: str) -> ReceiptError:
    return ReceiptError("expectation_incomplete", what)


def keys_from_jwks(jwks: bytes | str | Mapping[str, Any]) -> KeySource:
    """The Ed25519 keys of a JWK Set (RFC 7517, RFC 8037). Without a usable key it is a ValueError."""
    keys = _parse_jwks(jwks)

    def key(kid: str) -> bytes:
        if kid not in keys:
            raise ReceiptError("unknown_key", "there is no such key")
        return keys[kid]

    return key


def _parse_jwks(jwks: bytes | str | Mapping[str, Any]) -> dict[str, bytes]:
    if isinstance(jwks, str):
        jwks = jwks.encode()
    value = wire.parse(jwks) if isinstance(jwks, bytes) else jwks
    listed = value.get("keys") if isinstance(value, Mapping) else None
    if not isinstance(listed, list):
        raise ValueError("not a JWK Set")
    keys: dict[str, bytes] = {}
    for k in listed:
        if not isinstance(k, Mapping) or k.get("kty") != "OKP" or k.get("crv") != "Ed25519":
            continue
        kid, x = k.get("kid"), k.get("x")
        usable = k.get("use", "sig") == "sig" and k.get("alg", "EdDSA") == "EdDSA"
        if not usable or not isinstance(kid, str) or not kid or not isinstance(x, str):
            continue
        try:
            key = _decode(x, "key")
        except ReceiptError:
            key = b""
        if len(key) != 32:
            raise ValueError("a key is not 32 bytes of base64url")
        if keys.setdefault(kid, key) != key:
            raise ValueError("an id is given to two keys")
    if not keys:
        raise ValueError("no Ed25519 key for signatures")
    return keys


class RemoteKeys:
    """The keys published at an https address, usually the server's /.well-known/jwks.json.

    They are fetched when first needed (at most every 5 seconds until that succeeds), again after an
    hour, and for an unknown id at most once a minute; the last good ones are used for a day. No
    redirect is followed. http is accepted for a loopback address.
    """

    ASK_AGAIN = 60.0
    FIRST_AGAIN = 5.0
    REFRESH = 3600.0
    KEEP = 24 * 3600.0
    TIMEOUT = 10.0
    MAX_BYTES = 64 * 1024

    def __init__(self, address: str) -> None:
        url = urlsplit(address)
        secure = url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname or ""))
        if not secure or not url.hostname or "@" in url.netloc:
            raise ValueError("keys must come from an https address, or http on a loopback address")
        self._address = address
        self._fetching = threading.Lock()
        # Replaced as a whole, so that a reader needs no lock.
        self._state: tuple[dict[str, bytes], float] = ({}, float("-inf"))
        self._tried = float("-inf")

    def __call__(self, kid: str) -> bytes:
        keys, loaded = self._state
        age = time.monotonic() - loaded
        if age >= self.REFRESH or kid not in keys:
            # Who has a key that may still be used does not wait for newer ones.
            wait = not (age < self.KEEP and kid in keys)
            if self._fetching.acquire(blocking=wait):
                try:
                    self._refresh(kid)
                finally:
                    self._fetching.release()
        keys, loaded = self._state
        if time.monotonic() - loaded >= self.KEEP:
            raise ReceiptError("keys_unavailable", "the published keys could not be fetched")
        if kid not in keys:
            raise ReceiptError("unknown_key", "there is no such key")
        return keys[kid]

    def _refresh(self, kid: str) -> None:
        """Fetches the keys, unless another thread just did or it is too early."""
        keys, loaded = self._state
        now = time.monotonic()
        if kid in keys and now - loaded < self.REFRESH:
            return
        if now - self._tried < (self.ASK_AGAIN if now - loaded < self.KEEP else self.FIRST_AGAIN):
            return
        self._tried = now
        if fetched := self._fetch():
            self._state = (fetched, now)

    def _fetch(self) -> dict[str, bytes]:
        deadline = time.monotonic() + self.TIMEOUT
        try:
            with httpx.Client(
                mounts=direct_hosts(self._address), timeout=self.TIMEOUT  # type: ignore[arg-type]
            ) as client, client.stream(
                "GET", self._address, headers={"Accept": "application/json"},
                follow_redirects=False, auth=lambda request: request,
            ) as response:  # fmt: skip
                if response.status_code != 200:
                    return {}
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > self.MAX_BYTES or time.monotonic() > deadline:
                        return {}
            return _parse_jwks(bytes(body))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError):
            return {}
