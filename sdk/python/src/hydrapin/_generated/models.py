"""What is sent to the server and what it answers.

Generated from openapi.yaml by tools/python/generate.py. Do not edit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict
from uuid import UUID

from .. import _wire as wire
from .._secret import Secret

__all__ = [
    "Action",
    "AskConfirmation",
    "Confirmation",
    "PinPolicy",
    "PinPolicyUpdate",
    "PinStatus",
    "RedeemConfirmation",
    "SetIdentityPin",
    "SetPin",
    "VerifyPin",
]


class SetPin(TypedDict):
    """The PIN to set."""

    pin: str | Secret
    """4 to 12 ASCII digits. It appears in requests alone, never in an answer."""


class PinPolicyUpdate(TypedDict):
    """The fields to change; an absent or null field stays as it is."""

    pin_applies_to: NotRequired[Literal["owner", "customer", "all"] | None]
    """Which roles are asked for a PIN. One of `owner`, `customer`, `all`."""

    pin_required_skills: NotRequired[Sequence[str] | None]
    """The skills that need a PIN; `*` stands for every skill."""

    pin_session_ttl_minutes: NotRequired[int | None]
    """For how many minutes one PIN lasts; with 0 each skill is confirmed for itself."""


class SetIdentityPin(TypedDict):
    """The PIN to set, and the one that it replaces."""

    pin: str | Secret
    """4 to 12 ASCII digits. It appears in requests alone, never in an answer."""

    current_pin: NotRequired[str | Secret | None]
    """4 to 12 ASCII digits. It appears in requests alone, never in an answer."""


class AskConfirmation(TypedDict):
    """The question whether a skill may run now."""

    skill: str
    """The name of a skill; compared without regard to ASCII case."""

    role: Literal["owner", "customer"]
    """In what role the holder uses the instance. One of `owner`, `customer`."""

    customer_id: NotRequired[UUID | str | None]
    """A UUID in the 8-4-4-4-12 form, of any version; answered in lower case."""

    identity_id: NotRequired[UUID | str | None]
    """A UUID in the 8-4-4-4-12 form, of any version; answered in lower case."""

    action: NotRequired[Action | None]
    """What exactly is to be done. It is always confirmed for itself."""

    idempotency_key: NotRequired[str | None]
    """Makes asking again give the same confirmation; unique within the instance."""

    expires_in_seconds: NotRequired[int | None]
    """For how many seconds the holder can answer."""


class Action(TypedDict):
    """What exactly is to be done. It is always confirmed for itself."""

    summary: str
    """What the person is shown; built from the params by a template, never by the model."""

    params: Mapping[str, Any]
    """The exact parameters of the action. They are canonicalised (RFC 8785) and hashed; duplicate
    names, lone surrogates, numbers that do not survive as doubles, more than 32 levels and more
    than 16 KiB are refused.
    """


class VerifyPin(TypedDict):
    """The PIN as the holder entered it."""

    pin: str | Secret
    """4 to 12 ASCII digits. It appears in requests alone, never in an answer."""


class RedeemConfirmation(TypedDict):
    """What is about to run."""

    skill: NotRequired[str | None]
    """The name of a skill; compared without regard to ASCII case."""

    params: NotRequired[Mapping[str, Any] | None]
    """The exact parameters of the action. They are canonicalised (RFC 8785) and hashed; duplicate
    names, lone surrogates, numbers that do not survive as doubles, more than 32 levels and more
    than 16 KiB are refused.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class PinStatus:
    """What the world may know of a PIN."""

    has_pin: bool
    """Whether a PIN is set."""

    is_active: bool
    """Whether a PIN is set that is not deactivated. A lock does not change it."""

    is_locked: bool
    """Whether wrong guesses have locked the PIN for a time."""

    locked_until: datetime | None
    """When the lock ends; null when there is none."""

    created_at: datetime | None
    """When the present PIN was set; null when there is none."""

    @classmethod
    def from_wire(cls, value: object) -> PinStatus:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "PinStatus")
        return cls(
            has_pin=w.get("has_pin", wire.boolean),
            is_active=w.get("is_active", wire.boolean),
            is_locked=w.get("is_locked", wire.boolean),
            locked_until=w.get("locked_until", wire.nullable(wire.time)),
            created_at=w.get("created_at", wire.nullable(wire.time)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PinPolicy:
    """The PIN policy of an instance."""

    instance_id: UUID
    """A UUID in the 8-4-4-4-12 form, of any version; answered in lower case."""

    pin_applies_to: str
    """Which roles are asked for a PIN. One of `owner`, `customer`, `all`."""

    pin_required_skills: tuple[str, ...]
    """The skills that need a PIN, as they were spelled, in order."""

    pin_session_ttl_minutes: int
    """For how many minutes one PIN lasts; with 0 each skill is confirmed for itself."""

    etag: str | None = None
    """The version, from the header; None where a proxy removed it."""

    @classmethod
    def from_wire(cls, value: object) -> PinPolicy:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "PinPolicy")
        return cls(
            instance_id=w.get("instance_id", wire.uuid),
            pin_applies_to=w.get("pin_applies_to", wire.text),
            pin_required_skills=w.get("pin_required_skills", wire.array(wire.text)),
            pin_session_ttl_minutes=w.get("pin_session_ttl_minutes", wire.integer),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """One question whether a skill may run, and what became of it."""

    id: UUID | None
    """Null where nothing was stored."""

    status: str
    """Where the confirmation stands. Take a status that you do not know for "no". One of
    `not_required`, `pending`, `approved`, `blocked`, `declined`, `expired`, `redeemed`.
    """

    reason: str | None
    """Why the confirmation has its status; null where that says all. One of `role_excluded`,
    `skill_not_listed`, `pin`, `session`, `pin_not_set`, `pin_inactive`, `pin_locked`,
    `pin_cooling_off`, `runtime`, `holder`, `pin_changed`, `session_ended`.
    """

    skill: str
    """The name of a skill; compared without regard to ASCII case."""

    role: str
    """In what role the holder uses the instance. One of `owner`, `customer`."""

    customer_id: UUID | None
    """The holder, when it is a customer."""

    identity_id: UUID | None
    """The holder, when it is a channel identity."""

    action_summary: str | None
    """What the person is shown."""

    action_digest: str | None
    """`sha-256:` and the hexadecimal SHA-256 of the canonical params."""

    created_at: datetime | None
    """When it was asked."""

    expires_at: datetime | None
    """Until when it can be verified, or once approved, redeemed."""

    session_expires_at: datetime | None
    """When the session ends that approved it or that its PIN opened."""

    attempts_remaining: int | None
    """How many guesses are left to the next lock or deactivation, while pending or blocked."""

    locked_until: datetime | None
    """When the PIN's lock ends, while pending or blocked."""

    confirm_url: str | None
    """Where the holder can enter the PIN; null as long as there is no such page."""

    receipt: Secret | None
    """The signed proof of the approval (a JWS), only while `approved`."""

    @classmethod
    def from_wire(cls, value: object) -> Confirmation:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "Confirmation")
        return cls(
            id=w.get("id", wire.nullable(wire.uuid)),
            status=w.get("status", wire.text),
            reason=w.get("reason", wire.nullable(wire.text)),
            skill=w.get("skill", wire.text),
            role=w.get("role", wire.text),
            customer_id=w.get("customer_id", wire.nullable(wire.uuid)),
            identity_id=w.get("identity_id", wire.nullable(wire.uuid)),
            action_summary=w.get("action_summary", wire.nullable(wire.text)),
            action_digest=w.get("action_digest", wire.nullable(wire.text)),
            created_at=w.get("created_at", wire.nullable(wire.time)),
            expires_at=w.get("expires_at", wire.nullable(wire.time)),
            session_expires_at=w.get("session_expires_at", wire.nullable(wire.time)),
            attempts_remaining=w.get("attempts_remaining", wire.nullable(wire.integer)),
            locked_until=w.get("locked_until", wire.nullable(wire.time)),
            confirm_url=w.get("confirm_url", wire.nullable(wire.text)),
            receipt=w.get("receipt", wire.nullable(wire.secret)),
        )
