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
    "ApiKey",
    "ApiKeyList",
    "AskConfirmation",
    "Confirmation",
    "ConfirmationList",
    "CreateApiKey",
    "CreatePinLink",
    "CreateRuntimePinLink",
    "CreateWebhook",
    "CreatedApiKey",
    "CreatedWebhook",
    "Freeze",
    "HolderPin",
    "PinEvent",
    "PinEventConsistency",
    "PinEventLeaf",
    "PinEventList",
    "PinEventProof",
    "PinLink",
    "PinList",
    "PinPolicy",
    "PinPolicyDecision",
    "PinPolicyUpdate",
    "PinStatus",
    "RedeemConfirmation",
    "ReportOutcome",
    "SetFreeze",
    "SetIdentityPin",
    "SetMyPin",
    "SetPin",
    "UpdateWebhook",
    "VerifyPin",
    "Webhook",
    "WebhookDelivery",
    "WebhookDeliveryList",
    "WebhookList",
    "WebhookTest",
]


class SetPin(TypedDict):
    """The PIN to set."""

    pin: str | Secret
    """The PIN to set, 4 to 12 ASCII digits. PINs that are easy to guess are refused. A PIN appears
    only in requests, never in a response.
    """


class CreatePinLink(TypedDict):
    """How long the link lives."""

    expires_in_seconds: NotRequired[int | None]
    """After how many seconds the link expires."""


class PinPolicyUpdate(TypedDict):
    """The fields to change. A field that is absent or null keeps its value."""

    pin_applies_to: NotRequired[Literal["owner", "customer", "all"] | None]
    """The roles that are asked for a PIN. One of `owner`, `customer`, `all`."""

    pin_required_skills: NotRequired[Sequence[str] | None]
    """The skills that need a PIN. `payments.*` stands for every skill whose name begins with
    `payments.`, `*` for every skill. All entries together have at most 32 KiB in UTF-8. The body
    has at most 64 KiB as it is sent, so in a policy near that bound, send characters as they are
    and not as `\\u` escapes.
    """

    pin_session_ttl_minutes: NotRequired[int | None]
    """How many minutes a PIN session lasts. With 0, there are no PIN sessions."""

    pin_must_be_own: NotRequired[bool | None]
    """With true, a PIN that its holder did not choose confirms nothing: questions are `blocked` with
    the reason `pin_not_own`. This works at once. Upgrade every node before you use it.
    """

    pin_channels: NotRequired[Literal["any", "page"] | None]
    """Where a PIN may be entered. With `page`, the runtime can neither verify nor set PINs (403
    `page-only`). Upgrade every node before you use it. One of `any`, `page`.
    """


class SetFreeze(TypedDict):
    """A freeze."""

    reason: NotRequired[str | None]
    """Why, for people."""


class CreateApiKey(TypedDict):
    """The key to create: with `scopes` an API key, with `instance_id` a runtime key. Send exactly one
    of the two.
    """

    name: str
    """A name for people."""

    scopes: NotRequired[Sequence[Literal["pins:read", "pins:write", "pin-policies:read", "pin-policies:write", "api-keys:read", "api-keys:write", "events:read", "webhooks:read", "webhooks:write"]] | None]
    """What the key allows. A scope that is named twice counts once."""

    instance_id: NotRequired[UUID | str | None]
    """A UUID of any version, in the 8-4-4-4-12 form. Responses use lower case."""

    expires_at: NotRequired[datetime | str | None]
    """When the key expires, in RFC 3339 format. It must be in the future."""


class CreateWebhook(TypedDict):
    """The webhook to create."""

    url: str
    """Where to send events. It begins with `https://` and has no user name."""

    events: Sequence[str]
    """The types of events to send, and families of them."""

    description: NotRequired[str | None]
    """A description for people."""

    enabled: NotRequired[bool | None]
    """Whether to send events at once."""


class UpdateWebhook(TypedDict):
    """What to change."""

    url: NotRequired[str | None]
    """Where to send events. It begins with `https://` and has no user name."""

    events: NotRequired[Sequence[str] | None]
    """The types of events to send, and families of them."""

    description: NotRequired[str | None]
    """A description for people."""

    enabled: NotRequired[bool | None]
    """Whether events are sent."""


class SetMyPin(TypedDict):
    """The PIN to set, and the current PIN if there is one."""

    pin: str | Secret
    """The PIN to set, 4 to 12 ASCII digits. PINs that are easy to guess are refused. A PIN appears
    only in requests, never in a response.
    """

    current_pin: NotRequired[str | Secret | None]
    """4 to 12 ASCII digits. A PIN appears only in requests, never in a response."""


class SetIdentityPin(TypedDict):
    """The PIN to set, and the current PIN if there is one."""

    pin: str | Secret
    """The PIN to set, 4 to 12 ASCII digits. PINs that are easy to guess are refused. A PIN appears
    only in requests, never in a response.
    """

    current_pin: NotRequired[str | Secret | None]
    """4 to 12 ASCII digits. A PIN appears only in requests, never in a response."""


class CreateRuntimePinLink(TypedDict):
    """How long the link lives."""

    expires_in_seconds: NotRequired[int | None]
    """After how many seconds the link expires."""


class AskConfirmation(TypedDict):
    """The question "may this skill run now?"
    """

    skill: str
    """The name of a skill, in any script. It has no control, private-use or unassigned characters, no
    spaces at either end, and no `*` at the end. Names are compared without regard to case, to
    invisible characters, to compatibility forms such as full width (NFKD), and to how many spaces
    are between words.
    """

    role: Literal["owner", "customer"]
    """How the holder uses the instance. One of `owner`, `customer`."""

    customer_id: NotRequired[UUID | str | None]
    """A UUID of any version, in the 8-4-4-4-12 form. Responses use lower case."""

    identity_id: NotRequired[UUID | str | None]
    """A UUID of any version, in the 8-4-4-4-12 form. Responses use lower case."""

    action: NotRequired[Action | None]
    """Exactly what the skill is about to do. An action is always confirmed by itself."""

    idempotency_key: NotRequired[str | None]
    """Makes the request safe to retry. The key is unique within the instance. Use a new key for each
    new question.
    """

    call_key: NotRequired[str | None]
    """Finds the confirmation of the same call again, while it is open. Not together with
    `idempotency_key`.
    """

    expires_in_seconds: NotRequired[int | None]
    """How many seconds the holder has to enter the PIN."""


class Action(TypedDict):
    """Exactly what the skill is about to do. An action is always confirmed by itself."""

    summary: str
    """The text that the person sees. Build it from the params with a template. Never let the model
    write it.
    """

    params: Mapping[str, Any]
    """The exact parameters of the action. hydrapin puts them into canonical form (RFC 8785) and
    hashes them. It refuses duplicate names, lone surrogates, numbers that a double cannot
    represent exactly, more than 32 levels of nesting, and more than 16 KiB.
    """


class VerifyPin(TypedDict):
    """The PIN that the holder entered."""

    pin: str | Secret
    """4 to 12 ASCII digits. A PIN appears only in requests, never in a response."""


class RedeemConfirmation(TypedDict):
    """What the runtime is about to run."""

    skill: NotRequired[str | None]
    """The name of a skill, in any script. It has no control, private-use or unassigned characters, no
    spaces at either end, and no `*` at the end. Names are compared without regard to case, to
    invisible characters, to compatibility forms such as full width (NFKD), and to how many spaces
    are between words.
    """

    params: NotRequired[Mapping[str, Any] | None]
    """The exact parameters of the action. hydrapin puts them into canonical form (RFC 8785) and
    hashes them. It refuses duplicate names, lone surrogates, numbers that a double cannot
    represent exactly, more than 32 levels of nesting, and more than 16 KiB.
    """


class ReportOutcome(TypedDict):
    """What became of the skill."""

    outcome: Literal["executed", "failed", "unknown"]
    """How the skill ended. One of `executed`, `failed`, `unknown`."""

    detail: NotRequired[str | None]
    """A few words for people. It is not part of the audit trail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinStatus:
    """The state of a PIN. It never contains the PIN itself."""

    has_pin: bool
    """Whether a PIN is set."""

    is_active: bool
    """Whether a PIN is set and not deactivated. A lock does not change this field."""

    is_locked: bool
    """Whether the PIN is temporarily locked after incorrect attempts."""

    locked_until: datetime | None
    """When the lock ends. Null if the PIN is not locked."""

    created_at: datetime | None
    """When the current PIN was set. Null if no PIN is set."""

    set_by: str | None
    """Who set the current PIN. `holder` means that the person entered it, through a PIN link or with
    their own token. Null if no PIN is set. One of `admin`, `runtime`, `holder`.
    """

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
            set_by=w.get("set_by", wire.nullable(wire.text)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PinLink:
    """A link with which a person chooses their PIN, once. Until it is used it is a credential."""

    id: UUID
    """A UUID of any version, in the 8-4-4-4-12 form. Responses use lower case."""

    url: Secret
    """The page where the PIN is chosen. Send it to the person through a channel of your own. Never
    pass it through a model.
    """

    expires_at: datetime
    """When the link expires."""

    @classmethod
    def from_wire(cls, value: object) -> PinLink:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "PinLink")
        return cls(
            id=w.get("id", wire.uuid),
            url=w.get("url", wire.secret),
            expires_at=w.get("expires_at", wire.time),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PinPolicy:
    """The PIN policy of an instance."""

    instance_id: UUID
    """A UUID of any version, in the 8-4-4-4-12 form. Responses use lower case."""

    pin_applies_to: str
    """The roles that are asked for a PIN. One of `owner`, `customer`, `all`."""

    pin_required_skills: tuple[str, ...]
    """The skills that need a PIN, spelled and ordered as they were stored."""

    pin_session_ttl_minutes: int
    """How many minutes a PIN session lasts. With 0, there are no PIN sessions."""

    pin_must_be_own: bool
    """Whether only PINs count that their holders chose themselves (`set_by` is `holder`)."""

    pin_channels: str
    """Where a PIN may be entered: `any`, or `page`, only on hydrapin's own pages. One of `any`,
    `page`.
    """

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
            pin_must_be_own=w.get("pin_must_be_own", wire.boolean),
            pin_channels=w.get("pin_channels", wire.text),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Whether an instance or a tenant is frozen."""

    frozen: bool
    """Whether it is frozen now."""

    since: datetime | None
    """Since when. Null if it is not frozen."""

    by: str | None
    """The kind and the id of the credential that froze it, as in `jwt:ada`. Null if it is not frozen.
    """

    reason: str | None
    """Why. Null if no reason was given."""

    @classmethod
    def from_wire(cls, value: object) -> Freeze:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "Freeze")
        return cls(
            frozen=w.get("frozen", wire.boolean),
            since=w.get("since", wire.nullable(wire.time)),
            by=w.get("by", wire.nullable(wire.text)),
            reason=w.get("reason", wire.nullable(wire.text)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PinList:
    """A page of holders."""

    pins: tuple[HolderPin, ...]
    """The holders."""

    page: int
    """Which page this is."""

    per_page: int
    """How many entries a page has at most."""

    total: int
    """How many entries there are. It stops at 10,000, where there may be more."""

    total_pages: int
    """How many pages there are."""

    @classmethod
    def from_wire(cls, value: object) -> PinList:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "PinList")
        return cls(
            pins=w.get("pins", wire.array(HolderPin.from_wire)),
            page=w.get("page", wire.integer),
            per_page=w.get("per_page", wire.integer),
            total=w.get("total", wire.integer),
            total_pages=w.get("total_pages", wire.integer),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderPin:
    """A holder and the state of their PIN."""

    holder_type: str
    """Whether the holder is a customer, or a channel identity of an instance. One of `customer`,
    `identity`.
    """

    customer_id: UUID | None
    """The id of the customer. Null for a channel identity."""

    instance_id: UUID | None
    """The instance of the channel identity. Null for a customer."""

    identity_id: UUID | None
    """The id of the channel identity. Null for a customer."""

    has_pin: bool
    """Whether a PIN is set."""

    is_active: bool
    """Whether a PIN is set and not deactivated. A lock does not change this field."""

    is_locked: bool
    """Whether the PIN is temporarily locked after incorrect attempts."""

    locked_until: datetime | None
    """When the lock ends. Null if the PIN is not locked."""

    created_at: datetime | None
    """When the current PIN was set. Null if no PIN is set."""

    set_by: str | None
    """Who set the current PIN. Null if no PIN is set. One of `admin`, `runtime`, `holder`."""

    @classmethod
    def from_wire(cls, value: object) -> HolderPin:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "HolderPin")
        return cls(
            holder_type=w.get("holder_type", wire.text),
            customer_id=w.get("customer_id", wire.nullable(wire.uuid)),
            instance_id=w.get("instance_id", wire.nullable(wire.uuid)),
            identity_id=w.get("identity_id", wire.nullable(wire.uuid)),
            has_pin=w.get("has_pin", wire.boolean),
            is_active=w.get("is_active", wire.boolean),
            is_locked=w.get("is_locked", wire.boolean),
            locked_until=w.get("locked_until", wire.nullable(wire.time)),
            created_at=w.get("created_at", wire.nullable(wire.time)),
            set_by=w.get("set_by", wire.nullable(wire.text)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyList:
    """A page of keys."""

    api_keys: tuple[ApiKey, ...]
    """The keys, the oldest first."""

    page: int
    """Which page this is."""

    per_page: int
    """How many entries a page has at most."""

    total: int
    """How many entries there are. It stops at 10,000, where there may be more."""

    total_pages: int
    """How many pages there are."""

    @classmethod
    def from_wire(cls, value: object) -> ApiKeyList:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "ApiKeyList")
        return cls(
            api_keys=w.get("api_keys", wire.array(ApiKey.from_wire)),
            page=w.get("page", wire.integer),
            per_page=w.get("per_page", wire.integer),
            total=w.get("total", wire.integer),
            total_pages=w.get("total_pages", wire.integer),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key, without its secret."""

    id: str
    """The id of the key. It is no secret."""

    prefix: str
    """How the key begins. It is no secret, and says which key is which."""

    kind: str
    """An API key, or the runtime key of an instance. One of `api_key`, `runtime_key`."""

    name: str | None
    """The name for people. Null if it has none."""

    scopes: tuple[str, ...]
    """What the key allows. Empty for a runtime key."""

    instance_id: UUID | None
    """The instance of a runtime key. Null for an API key."""

    created_at: datetime
    """When the key was created."""

    created_by: str
    """The kind and the id of the credential that created it, as in `jwt:ada`."""

    expires_at: datetime | None
    """When the key expires. Null if it does not."""

    revoked_at: datetime | None
    """When the key was revoked. Null if it was not."""

    last_used_at: datetime | None
    """When the key was last used, to within a minute. Null if it never was."""

    @classmethod
    def from_wire(cls, value: object) -> ApiKey:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "ApiKey")
        return cls(
            id=w.get("id", wire.text),
            prefix=w.get("prefix", wire.text),
            kind=w.get("kind", wire.text),
            name=w.get("name", wire.nullable(wire.text)),
            scopes=w.get("scopes", wire.array(wire.text)),
            instance_id=w.get("instance_id", wire.nullable(wire.uuid)),
            created_at=w.get("created_at", wire.time),
            created_by=w.get("created_by", wire.text),
            expires_at=w.get("expires_at", wire.nullable(wire.time)),
            revoked_at=w.get("revoked_at", wire.nullable(wire.time)),
            last_used_at=w.get("last_used_at", wire.nullable(wire.time)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedApiKey:
    """A key that was created, with the key itself."""

    key: Secret
    """The key. It is shown only this once. Store it as a secret."""

    id: str
    """The id of the key. It is no secret."""

    prefix: str
    """How the key begins. It is no secret, and says which key is which."""

    kind: str
    """An API key, or the runtime key of an instance. One of `api_key`, `runtime_key`."""

    name: str | None
    """The name for people. Null if it has none."""

    scopes: tuple[str, ...]
    """What the key allows. Empty for a runtime key."""

    instance_id: UUID | None
    """The instance of a runtime key. Null for an API key."""

    created_at: datetime
    """When the key was created."""

    created_by: str
    """The kind and the id of the credential that created it, as in `jwt:ada`."""

    expires_at: datetime | None
    """When the key expires. Null if it does not."""

    revoked_at: datetime | None
    """When the key was revoked. Null if it was not."""

    last_used_at: datetime | None
    """When the key was last used, to within a minute. Null if it never was."""

    @classmethod
    def from_wire(cls, value: object) -> CreatedApiKey:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "CreatedApiKey")
        return cls(
            key=w.get("key", wire.secret),
            id=w.get("id", wire.text),
            prefix=w.get("prefix", wire.text),
            kind=w.get("kind", wire.text),
            name=w.get("name", wire.nullable(wire.text)),
            scopes=w.get("scopes", wire.array(wire.text)),
            instance_id=w.get("instance_id", wire.nullable(wire.uuid)),
            created_at=w.get("created_at", wire.time),
            created_by=w.get("created_by", wire.text),
            expires_at=w.get("expires_at", wire.nullable(wire.time)),
            revoked_at=w.get("revoked_at", wire.nullable(wire.time)),
            last_used_at=w.get("last_used_at", wire.nullable(wire.time)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookList:
    """A page of webhooks."""

    webhooks: tuple[Webhook, ...]
    """The webhooks, the oldest first."""

    page: int
    """Which page this is."""

    per_page: int
    """How many entries a page has at most."""

    total: int
    """How many entries there are. It stops at 10,000, where there may be more."""

    total_pages: int
    """How many pages there are."""

    @classmethod
    def from_wire(cls, value: object) -> WebhookList:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "WebhookList")
        return cls(
            webhooks=w.get("webhooks", wire.array(Webhook.from_wire)),
            page=w.get("page", wire.integer),
            per_page=w.get("per_page", wire.integer),
            total=w.get("total", wire.integer),
            total_pages=w.get("total_pages", wire.integer),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook, without its secret."""

    id: UUID
    """A UUID of any version, in the 8-4-4-4-12 form. Responses use lower case."""

    url: str
    """Where events are sent."""

    events: tuple[str, ...]
    """The types of events that it gets, and families of them."""

    description: str | None
    """A description for people. Null if it has none."""

    enabled: bool
    """Whether events are sent."""

    disabled_reason: str | None
    """Why it is disabled: by hand, because it answered 410 (`gone`), because it failed for five days
    without a success (`failing`), or because the key that created it, or that last changed its
    `url` or `events`, was revoked. Null if it is enabled. One of `by_hand`, `gone`, `failing`,
    `key_revoked`.
    """

    failing_since: datetime | None
    """Since when every try failed. Null if the last one succeeded, or there was none."""

    created_at: datetime
    """When it was created."""

    updated_at: datetime
    """When it was last changed."""

    created_by: str
    """The kind and the id of the credential that created it, as in `jwt:ada`."""

    @classmethod
    def from_wire(cls, value: object) -> Webhook:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "Webhook")
        return cls(
            id=w.get("id", wire.uuid),
            url=w.get("url", wire.text),
            events=w.get("events", wire.array(wire.text)),
            description=w.get("description", wire.nullable(wire.text)),
            enabled=w.get("enabled", wire.boolean),
            disabled_reason=w.get("disabled_reason", wire.nullable(wire.text)),
            failing_since=w.get("failing_since", wire.nullable(wire.time)),
            created_at=w.get("created_at", wire.time),
            updated_at=w.get("updated_at", wire.time),
            created_by=w.get("created_by", wire.text),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedWebhook:
    """A webhook with its secret."""

    secret: Secret
    """The secret that messages are signed with. It is shown only this once."""

    id: UUID
    """A UUID of any version, in the 8-4-4-4-12 form. Responses use lower case."""

    url: str
    """Where events are sent."""

    events: tuple[str, ...]
    """The types of events that it gets, and families of them."""

    description: str | None
    """A description for people. Null if it has none."""

    enabled: bool
    """Whether events are sent."""

    disabled_reason: str | None
    """Why it is disabled: by hand, because it answered 410 (`gone`), because it failed for five days
    without a success (`failing`), or because the key that created it, or that last changed its
    `url` or `events`, was revoked. Null if it is enabled. One of `by_hand`, `gone`, `failing`,
    `key_revoked`.
    """

    failing_since: datetime | None
    """Since when every try failed. Null if the last one succeeded, or there was none."""

    created_at: datetime
    """When it was created."""

    updated_at: datetime
    """When it was last changed."""

    created_by: str
    """The kind and the id of the credential that created it, as in `jwt:ada`."""

    @classmethod
    def from_wire(cls, value: object) -> CreatedWebhook:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "CreatedWebhook")
        return cls(
            secret=w.get("secret", wire.secret),
            id=w.get("id", wire.uuid),
            url=w.get("url", wire.text),
            events=w.get("events", wire.array(wire.text)),
            description=w.get("description", wire.nullable(wire.text)),
            enabled=w.get("enabled", wire.boolean),
            disabled_reason=w.get("disabled_reason", wire.nullable(wire.text)),
            failing_since=w.get("failing_since", wire.nullable(wire.time)),
            created_at=w.get("created_at", wire.time),
            updated_at=w.get("updated_at", wire.time),
            created_by=w.get("created_by", wire.text),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTest:
    """A test that was recorded."""

    event_id: UUID
    """A UUID of any version, in the 8-4-4-4-12 form. Responses use lower case."""

    @classmethod
    def from_wire(cls, value: object) -> WebhookTest:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "WebhookTest")
        return cls(event_id=w.get("event_id", wire.uuid))


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDeliveryList:
    """A page of deliveries."""

    deliveries: tuple[WebhookDelivery, ...]
    """The deliveries, those of the newest events first."""

    page: int
    """Which page this is."""

    per_page: int
    """How many entries a page has at most."""

    total: int
    """How many entries there are. It stops at 10,000, where there may be more."""

    total_pages: int
    """How many pages there are."""

    @classmethod
    def from_wire(cls, value: object) -> WebhookDeliveryList:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "WebhookDeliveryList")
        return cls(
            deliveries=w.get("deliveries", wire.array(WebhookDelivery.from_wire)),
            page=w.get("page", wire.integer),
            per_page=w.get("per_page", wire.integer),
            total=w.get("total", wire.integer),
            total_pages=w.get("total_pages", wire.integer),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """One event on its way to one webhook."""

    id: UUID
    """A UUID of any version, in the 8-4-4-4-12 form. Responses use lower case."""

    webhook_id: UUID
    """A UUID of any version, in the 8-4-4-4-12 form. Responses use lower case."""

    event_id: UUID
    """A UUID of any version, in the 8-4-4-4-12 form. Responses use lower case."""

    event_index: int
    """The place of the event in the audit trail of the tenant."""

    event_type: str
    """The type of the event."""

    status: str
    """Whether it will be tried, has arrived, or was given up. One of `pending`, `delivered`, `dead`.
    """

    attempts: int
    """How often it was tried."""

    created_at: datetime
    """When it was queued."""

    next_attempt_at: datetime | None
    """When it is tried next. Null unless it is pending."""

    last_attempt_at: datetime | None
    """When the last try ended. Null if there was none."""

    last_status: int | None
    """The HTTP status of the last answer. Null if there was none."""

    last_error: str | None
    """What went wrong in the last try. Null if nothing did. One of `name_not_resolved`,
    `address_not_allowed`, `connection_failed`, `tls_failed`, `timed_out`, `invalid_answer`,
    `redirected`, `unsuccessful_status`, `secret_unreadable`, `event_removed`.
    """

    @classmethod
    def from_wire(cls, value: object) -> WebhookDelivery:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "WebhookDelivery")
        return cls(
            id=w.get("id", wire.uuid),
            webhook_id=w.get("webhook_id", wire.uuid),
            event_id=w.get("event_id", wire.uuid),
            event_index=w.get("event_index", wire.integer),
            event_type=w.get("event_type", wire.text),
            status=w.get("status", wire.text),
            attempts=w.get("attempts", wire.integer),
            created_at=w.get("created_at", wire.time),
            next_attempt_at=w.get("next_attempt_at", wire.nullable(wire.time)),
            last_attempt_at=w.get("last_attempt_at", wire.nullable(wire.time)),
            last_status=w.get("last_status", wire.nullable(wire.integer)),
            last_error=w.get("last_error", wire.nullable(wire.text)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PinEventList:
    """A page of the audit trail."""

    events: tuple[PinEvent, ...]
    """The events, in the order that was asked for."""

    next: str | None
    """Send it as `after` to get the next page. Null when there are no more events now."""

    @classmethod
    def from_wire(cls, value: object) -> PinEventList:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "PinEventList")
        return cls(
            events=w.get("events", wire.array(PinEvent.from_wire)),
            next=w.get("next", wire.nullable(wire.text)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PinEvent:
    """An event of the audit trail. It never holds a PIN, a key or the parameters of an action."""

    index: int
    """The place of the event in the trail of the tenant, from 0."""

    id: UUID
    """The id of the event, 128 random bits."""

    time: datetime
    """When it happened, by the clock of the database."""

    tenant_id: UUID
    """The tenant."""

    type: str
    """What happened, one of the values of `PinEventType`. A newer server may send others."""

    actor_kind: str
    """The kind of the credential that acted, as in `jwt`, `api_key`, `runtime_key`, `link` or
    `operator`.
    """

    actor_id: str
    """The id of the key, or the subject of the token."""

    holder_type: str | None
    """What kind of holder it is about. Null if it is about none. One of `customer`, `identity`."""

    customer_id: UUID | None
    """The customer whose PIN it is about. Null if it is about none."""

    identity_id: UUID | None
    """The channel identity whose PIN it is about. Null if it is about none."""

    instance_id: UUID | None
    """The instance. Null if it is about none."""

    confirmation_id: UUID | None
    """The confirmation. Null if it is about none."""

    request_id: str | None
    """The id of the request. Null if there was none."""

    peer: str | None
    """The address that the request came from. Null if there was none."""

    details: Mapping[str, Any]
    """What else the event records. The fields depend on its type."""

    @classmethod
    def from_wire(cls, value: object) -> PinEvent:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "PinEvent")
        return cls(
            index=w.get("index", wire.integer),
            id=w.get("id", wire.uuid),
            time=w.get("time", wire.time),
            tenant_id=w.get("tenant_id", wire.uuid),
            type=w.get("type", wire.text),
            actor_kind=w.get("actor_kind", wire.text),
            actor_id=w.get("actor_id", wire.text),
            holder_type=w.get("holder_type", wire.nullable(wire.text)),
            customer_id=w.get("customer_id", wire.nullable(wire.uuid)),
            identity_id=w.get("identity_id", wire.nullable(wire.uuid)),
            instance_id=w.get("instance_id", wire.nullable(wire.uuid)),
            confirmation_id=w.get("confirmation_id", wire.nullable(wire.uuid)),
            request_id=w.get("request_id", wire.nullable(wire.text)),
            peer=w.get("peer", wire.nullable(wire.text)),
            details=w.get("details", wire.mapping),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PinEventConsistency:
    """A proof that a newer tree begins with an older one."""

    from_: int
    """The size of the older tree."""

    to: int
    """The size of the newer tree."""

    hashes: tuple[str, ...]
    """The hashes of the proof, in base64."""

    @classmethod
    def from_wire(cls, value: object) -> PinEventConsistency:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "PinEventConsistency")
        return cls(
            from_=w.get("from", wire.integer),
            to=w.get("to", wire.integer),
            hashes=w.get("hashes", wire.array(wire.text)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PinEventLeaf:
    """An event with its leaf in the Merkle tree."""

    index: int
    """The place of the event in the trail, from 0."""

    leaf: str
    """The exact bytes that are hashed, in base64."""

    leaf_hash: str
    """The hash of the leaf, SHA-256 of a zero byte and the leaf (RFC 6962), in base64."""

    event: PinEvent
    """An event of the audit trail. It never holds a PIN, a key or the parameters of an action."""

    @classmethod
    def from_wire(cls, value: object) -> PinEventLeaf:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "PinEventLeaf")
        return cls(
            index=w.get("index", wire.integer),
            leaf=w.get("leaf", wire.text),
            leaf_hash=w.get("leaf_hash", wire.text),
            event=w.get("event", PinEvent.from_wire),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PinEventProof:
    """A proof that an event is in the audit trail."""

    index: int
    """The place of the event in the trail, from 0."""

    size: int
    """The size of the tree that it is proved for."""

    leaf_hash: str
    """The hash of the leaf, in base64."""

    hashes: tuple[str, ...]
    """The hashes of the proof, from the leaf to the root, in base64."""

    @classmethod
    def from_wire(cls, value: object) -> PinEventProof:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "PinEventProof")
        return cls(
            index=w.get("index", wire.integer),
            size=w.get("size", wire.integer),
            leaf_hash=w.get("leaf_hash", wire.text),
            hashes=w.get("hashes", wire.array(wire.text)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PinPolicyDecision:
    """Whether a skill needs a PIN now."""

    required: bool
    """Whether the skill needs a PIN. Treat any other value as true."""

    reason: str | None
    """Why no PIN is needed, or `frozen`. Null if a PIN is needed. One of `frozen`, `role_excluded`,
    `skill_not_listed`.
    """

    @classmethod
    def from_wire(cls, value: object) -> PinPolicyDecision:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "PinPolicyDecision")
        return cls(
            required=w.get("required", wire.boolean),
            reason=w.get("reason", wire.nullable(wire.text)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationList:
    """A page of confirmations."""

    confirmations: tuple[Confirmation, ...]
    """The confirmations, the newest first."""

    next: str | None
    """Send it as `after` to get the next page. Null on the last page."""

    @classmethod
    def from_wire(cls, value: object) -> ConfirmationList:
        """Reads an answer. What is missing or of another type is a ValueError."""
        w = wire.Members(value, "ConfirmationList")
        return cls(
            confirmations=w.get("confirmations", wire.array(Confirmation.from_wire)),
            next=w.get("next", wire.nullable(wire.text)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """One question, "may this skill run now?", and its outcome."""

    id: UUID | None
    """The id of the confirmation. Null if no confirmation is stored."""

    status: str
    """The state of the confirmation. Treat any unrecognised status as "no". One of `not_required`,
    `pending`, `approved`, `blocked`, `declined`, `expired`, `redeemed`.
    """

    reason: str | None
    """Why the confirmation has its status. Null if the status needs no explanation. One of
    `role_excluded`, `skill_not_listed`, `pin`, `session`, `frozen`, `pin_not_set`, `pin_inactive`,
    `pin_locked`, `pin_cooling_off`, `pin_not_own`, `runtime`, `holder`, `wrong_pin`,
    `pin_changed`, `session_ended`.
    """

    skill: str
    """The name of a skill, in any script. It has no control, private-use or unassigned characters, no
    spaces at either end, and no `*` at the end. Names are compared without regard to case, to
    invisible characters, to compatibility forms such as full width (NFKD), and to how many spaces
    are between words.
    """

    role: str
    """How the holder uses the instance. One of `owner`, `customer`."""

    customer_id: UUID | None
    """The id of the holder, if the holder is a customer."""

    identity_id: UUID | None
    """The id of the holder, if the holder is a channel identity."""

    action_summary: str | None
    """The text that the person sees. Null if the confirmation has no action."""

    action_digest: str | None
    """`sha-256:` followed by the SHA-256 hash of the canonical params, in hexadecimal. Null if the
    confirmation has no action.
    """

    created_at: datetime | None
    """When the runtime asked."""

    expires_at: datetime | None
    """Until when the confirmation can be verified or, once it is approved, redeemed."""

    session_expires_at: datetime | None
    """When the PIN session ends that approved the confirmation, or that its PIN opened. Null if there
    is none.
    """

    attempts_remaining: int | None
    """How many attempts are left before the PIN is locked or deactivated. Set while the confirmation
    is `pending` or `blocked`, otherwise null.
    """

    locked_until: datetime | None
    """When the lock of the PIN ends. Set while the confirmation is `pending` or `blocked` and the PIN
    is locked, otherwise null.
    """

    confirm_url: str | None
    """The page where the holder enters the PIN, while the confirmation is `pending`. Otherwise null.
    """

    outcome: str | None
    """What the runtime reported of the skill. Null until it reports. One of `executed`, `failed`,
    `unknown`.
    """

    outcome_at: datetime | None
    """When the runtime reported it. Null until it reports."""

    receipt: Secret | None
    """The signed proof of the approval (a JWS). Set while the status is `approved`."""

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
            outcome=w.get("outcome", wire.nullable(wire.text)),
            outcome_at=w.get("outcome_at", wire.nullable(wire.time)),
            receipt=w.get("receipt", wire.nullable(wire.secret)),
        )
