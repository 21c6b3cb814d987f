"""The operations of the contract.

Generated from openapi.yaml by tools/python/generate.py. Do not edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .. import _wire as wire
from .._operation import Operation
from . import models

GET_CUSTOMER_PIN_STATUS: Final[Operation[models.PinStatus]] = Operation(
    id="getCustomerPinStatus",
    method="GET",
    path="/v1/customers/{customer_id}/pin",
    statuses=(200,),
    decode=models.PinStatus.from_wire,
    etag=False,
    repeatable=True,
    repeat_keys=(),
    segments=(),
)

SET_CUSTOMER_PIN: Final[Operation[models.PinStatus]] = Operation(
    id="setCustomerPin",
    method="POST",
    path="/v1/customers/{customer_id}/pin",
    statuses=(200,),
    decode=models.PinStatus.from_wire,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

REMOVE_CUSTOMER_PIN: Final[Operation[None]] = Operation(
    id="removeCustomerPin",
    method="DELETE",
    path="/v1/customers/{customer_id}/pin",
    statuses=(204,),
    decode=wire.nothing,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

UNLOCK_CUSTOMER_PIN: Final[Operation[models.PinStatus]] = Operation(
    id="unlockCustomerPin",
    method="POST",
    path="/v1/customers/{customer_id}/pin/unlock",
    statuses=(200,),
    decode=models.PinStatus.from_wire,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

CREATE_CUSTOMER_PIN_LINK: Final[Operation[models.PinLink]] = Operation(
    id="createCustomerPinLink",
    method="POST",
    path="/v1/customers/{customer_id}/pin-links",
    statuses=(201,),
    decode=models.PinLink.from_wire,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

END_CUSTOMER_PIN_LINKS: Final[Operation[None]] = Operation(
    id="endCustomerPinLinks",
    method="DELETE",
    path="/v1/customers/{customer_id}/pin-links",
    statuses=(204,),
    decode=wire.nothing,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

GET_PIN_POLICY: Final[Operation[models.PinPolicy]] = Operation(
    id="getPinPolicy",
    method="GET",
    path="/v1/instances/{instance_id}/pin-policy",
    statuses=(200,),
    decode=models.PinPolicy.from_wire,
    etag=True,
    repeatable=True,
    repeat_keys=(),
    segments=(),
)

UPDATE_PIN_POLICY: Final[Operation[models.PinPolicy]] = Operation(
    id="updatePinPolicy",
    method="PATCH",
    path="/v1/instances/{instance_id}/pin-policy",
    statuses=(200,),
    decode=models.PinPolicy.from_wire,
    etag=True,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

GET_TENANT_FREEZE: Final[Operation[models.Freeze]] = Operation(
    id="getTenantFreeze",
    method="GET",
    path="/v1/freeze",
    statuses=(200,),
    decode=models.Freeze.from_wire,
    etag=False,
    repeatable=True,
    repeat_keys=(),
    segments=(),
)

SET_TENANT_FREEZE: Final[Operation[models.Freeze]] = Operation(
    id="setTenantFreeze",
    method="PUT",
    path="/v1/freeze",
    statuses=(200,),
    decode=models.Freeze.from_wire,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

LIFT_TENANT_FREEZE: Final[Operation[None]] = Operation(
    id="liftTenantFreeze",
    method="DELETE",
    path="/v1/freeze",
    statuses=(204,),
    decode=wire.nothing,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

GET_INSTANCE_FREEZE: Final[Operation[models.Freeze]] = Operation(
    id="getInstanceFreeze",
    method="GET",
    path="/v1/instances/{instance_id}/freeze",
    statuses=(200,),
    decode=models.Freeze.from_wire,
    etag=False,
    repeatable=True,
    repeat_keys=(),
    segments=(),
)

SET_INSTANCE_FREEZE: Final[Operation[models.Freeze]] = Operation(
    id="setInstanceFreeze",
    method="PUT",
    path="/v1/instances/{instance_id}/freeze",
    statuses=(200,),
    decode=models.Freeze.from_wire,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

LIFT_INSTANCE_FREEZE: Final[Operation[None]] = Operation(
    id="liftInstanceFreeze",
    method="DELETE",
    path="/v1/instances/{instance_id}/freeze",
    statuses=(204,),
    decode=wire.nothing,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

GET_IDENTITY_PIN_STATUS: Final[Operation[models.PinStatus]] = Operation(
    id="getIdentityPinStatus",
    method="GET",
    path="/v1/instances/{instance_id}/identities/{identity_id}/pin",
    statuses=(200,),
    decode=models.PinStatus.from_wire,
    etag=False,
    repeatable=True,
    repeat_keys=(),
    segments=(),
)

REMOVE_IDENTITY_PIN: Final[Operation[None]] = Operation(
    id="removeIdentityPin",
    method="DELETE",
    path="/v1/instances/{instance_id}/identities/{identity_id}/pin",
    statuses=(204,),
    decode=wire.nothing,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

UNLOCK_IDENTITY_PIN: Final[Operation[models.PinStatus]] = Operation(
    id="unlockIdentityPin",
    method="POST",
    path="/v1/instances/{instance_id}/identities/{identity_id}/pin/unlock",
    statuses=(200,),
    decode=models.PinStatus.from_wire,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

CREATE_IDENTITY_PIN_LINK: Final[Operation[models.PinLink]] = Operation(
    id="createIdentityPinLink",
    method="POST",
    path="/v1/instances/{instance_id}/identities/{identity_id}/pin-links",
    statuses=(201,),
    decode=models.PinLink.from_wire,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

END_IDENTITY_PIN_LINKS: Final[Operation[None]] = Operation(
    id="endIdentityPinLinks",
    method="DELETE",
    path="/v1/instances/{instance_id}/identities/{identity_id}/pin-links",
    statuses=(204,),
    decode=wire.nothing,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

GET_MY_PIN_STATUS: Final[Operation[models.PinStatus]] = Operation(
    id="getMyPinStatus",
    method="GET",
    path="/v1/me/pin",
    statuses=(200,),
    decode=models.PinStatus.from_wire,
    etag=False,
    repeatable=True,
    repeat_keys=(),
    segments=(),
)

SET_MY_PIN: Final[Operation[models.PinStatus]] = Operation(
    id="setMyPin",
    method="PUT",
    path="/v1/me/pin",
    statuses=(200,),
    decode=models.PinStatus.from_wire,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

LIST_PIN_EVENTS: Final[Operation[models.PinEventList]] = Operation(
    id="listPinEvents",
    method="GET",
    path="/v1/pin-events",
    statuses=(200,),
    decode=models.PinEventList.from_wire,
    etag=False,
    repeatable=True,
    repeat_keys=(),
    segments=(),
)

GET_PIN_EVENT_CHECKPOINT: Final[Operation[bytes]] = Operation(
    id="getPinEventCheckpoint",
    method="GET",
    path="/v1/pin-events/checkpoint",
    statuses=(200,),
    decode=wire.raw,
    etag=False,
    repeatable=True,
    repeat_keys=(),
    segments=(),
)

GET_PIN_EVENT_CONSISTENCY: Final[Operation[models.PinEventConsistency]] = Operation(
    id="getPinEventConsistency",
    method="GET",
    path="/v1/pin-events/consistency",
    statuses=(200,),
    decode=models.PinEventConsistency.from_wire,
    etag=False,
    repeatable=True,
    repeat_keys=(),
    segments=(),
)

GET_PIN_EVENT: Final[Operation[models.PinEventLeaf]] = Operation(
    id="getPinEvent",
    method="GET",
    path="/v1/pin-events/{index}",
    statuses=(200,),
    decode=models.PinEventLeaf.from_wire,
    etag=False,
    repeatable=True,
    repeat_keys=(),
    segments=("index",),
)

GET_PIN_EVENT_PROOF: Final[Operation[models.PinEventProof]] = Operation(
    id="getPinEventProof",
    method="GET",
    path="/v1/pin-events/{index}/proof",
    statuses=(200,),
    decode=models.PinEventProof.from_wire,
    etag=False,
    repeatable=True,
    repeat_keys=(),
    segments=("index",),
)

RUNTIME_GET_PIN_STATUS: Final[Operation[models.PinStatus]] = Operation(
    id="runtimeGetPinStatus",
    method="GET",
    path="/internal/v1/instances/{instance_id}/identities/{identity_id}/pin",
    statuses=(200,),
    decode=models.PinStatus.from_wire,
    etag=False,
    repeatable=True,
    repeat_keys=(),
    segments=(),
)

RUNTIME_SET_PIN: Final[Operation[models.PinStatus]] = Operation(
    id="runtimeSetPin",
    method="POST",
    path="/internal/v1/instances/{instance_id}/identities/{identity_id}/pin",
    statuses=(200,),
    decode=models.PinStatus.from_wire,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

RUNTIME_REMOVE_PIN: Final[Operation[None]] = Operation(
    id="runtimeRemovePin",
    method="DELETE",
    path="/internal/v1/instances/{instance_id}/identities/{identity_id}/pin",
    statuses=(204,),
    decode=wire.nothing,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

RUNTIME_CREATE_PIN_LINK: Final[Operation[models.PinLink]] = Operation(
    id="runtimeCreatePinLink",
    method="POST",
    path="/internal/v1/instances/{instance_id}/identities/{identity_id}/pin-links",
    statuses=(201,),
    decode=models.PinLink.from_wire,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

RUNTIME_END_PIN_LINKS: Final[Operation[None]] = Operation(
    id="runtimeEndPinLinks",
    method="DELETE",
    path="/internal/v1/instances/{instance_id}/identities/{identity_id}/pin-links",
    statuses=(204,),
    decode=wire.nothing,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

GET_PIN_POLICY_DECISION: Final[Operation[models.PinPolicyDecision]] = Operation(
    id="getPinPolicyDecision",
    method="GET",
    path="/internal/v1/instances/{instance_id}/pin-policy/decision",
    statuses=(200,),
    decode=models.PinPolicyDecision.from_wire,
    etag=False,
    repeatable=True,
    repeat_keys=(),
    segments=(),
)

LIST_CONFIRMATIONS: Final[Operation[models.ConfirmationList]] = Operation(
    id="listConfirmations",
    method="GET",
    path="/internal/v1/instances/{instance_id}/confirmations",
    statuses=(200,),
    decode=models.ConfirmationList.from_wire,
    etag=False,
    repeatable=True,
    repeat_keys=(),
    segments=(),
)

ASK_CONFIRMATION: Final[Operation[models.Confirmation]] = Operation(
    id="askConfirmation",
    method="POST",
    path="/internal/v1/instances/{instance_id}/confirmations",
    statuses=(200, 201,),
    decode=models.Confirmation.from_wire,
    etag=False,
    repeatable=False,
    repeat_keys=("idempotency_key", "call_key",),
    segments=(),
)

GET_CONFIRMATION: Final[Operation[models.Confirmation]] = Operation(
    id="getConfirmation",
    method="GET",
    path="/internal/v1/instances/{instance_id}/confirmations/{confirmation_id}",
    statuses=(200,),
    decode=models.Confirmation.from_wire,
    etag=False,
    repeatable=True,
    repeat_keys=(),
    segments=(),
)

DECLINE_CONFIRMATION: Final[Operation[None]] = Operation(
    id="declineConfirmation",
    method="DELETE",
    path="/internal/v1/instances/{instance_id}/confirmations/{confirmation_id}",
    statuses=(204,),
    decode=wire.nothing,
    etag=False,
    repeatable=True,
    repeat_keys=(),
    segments=(),
)

GET_CONFIRMATION_QR: Final[Operation[bytes]] = Operation(
    id="getConfirmationQr",
    method="GET",
    path="/internal/v1/instances/{instance_id}/confirmations/{confirmation_id}/qr",
    statuses=(200,),
    decode=wire.raw,
    etag=False,
    repeatable=True,
    repeat_keys=(),
    segments=(),
)

VERIFY_CONFIRMATION: Final[Operation[models.Confirmation]] = Operation(
    id="verifyConfirmation",
    method="POST",
    path="/internal/v1/instances/{instance_id}/confirmations/{confirmation_id}/verify",
    statuses=(200,),
    decode=models.Confirmation.from_wire,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

REDEEM_CONFIRMATION: Final[Operation[models.Confirmation]] = Operation(
    id="redeemConfirmation",
    method="POST",
    path="/internal/v1/instances/{instance_id}/confirmations/{confirmation_id}/redeem",
    statuses=(200,),
    decode=models.Confirmation.from_wire,
    etag=False,
    repeatable=False,
    repeat_keys=(),
    segments=(),
)

REPORT_OUTCOME: Final[Operation[models.Confirmation]] = Operation(
    id="reportOutcome",
    method="POST",
    path="/internal/v1/instances/{instance_id}/confirmations/{confirmation_id}/outcome",
    statuses=(200,),
    decode=models.Confirmation.from_wire,
    etag=False,
    repeatable=True,
    repeat_keys=(),
    segments=(),
)

END_PIN_SESSIONS: Final[Operation[None]] = Operation(
    id="endPinSessions",
    method="DELETE",
    path="/internal/v1/instances/{instance_id}/pin-sessions",
    statuses=(204,),
    decode=wire.nothing,
    etag=False,
    repeatable=True,
    repeat_keys=(),
    segments=(),
)

ALL: Final[tuple[Operation[Any], ...]] = (
    GET_CUSTOMER_PIN_STATUS,
    SET_CUSTOMER_PIN,
    REMOVE_CUSTOMER_PIN,
    UNLOCK_CUSTOMER_PIN,
    CREATE_CUSTOMER_PIN_LINK,
    END_CUSTOMER_PIN_LINKS,
    GET_PIN_POLICY,
    UPDATE_PIN_POLICY,
    GET_TENANT_FREEZE,
    SET_TENANT_FREEZE,
    LIFT_TENANT_FREEZE,
    GET_INSTANCE_FREEZE,
    SET_INSTANCE_FREEZE,
    LIFT_INSTANCE_FREEZE,
    GET_IDENTITY_PIN_STATUS,
    REMOVE_IDENTITY_PIN,
    UNLOCK_IDENTITY_PIN,
    CREATE_IDENTITY_PIN_LINK,
    END_IDENTITY_PIN_LINKS,
    GET_MY_PIN_STATUS,
    SET_MY_PIN,
    LIST_PIN_EVENTS,
    GET_PIN_EVENT_CHECKPOINT,
    GET_PIN_EVENT_CONSISTENCY,
    GET_PIN_EVENT,
    GET_PIN_EVENT_PROOF,
    RUNTIME_GET_PIN_STATUS,
    RUNTIME_SET_PIN,
    RUNTIME_REMOVE_PIN,
    RUNTIME_CREATE_PIN_LINK,
    RUNTIME_END_PIN_LINKS,
    GET_PIN_POLICY_DECISION,
    LIST_CONFIRMATIONS,
    ASK_CONFIRMATION,
    GET_CONFIRMATION,
    DECLINE_CONFIRMATION,
    GET_CONFIRMATION_QR,
    VERIFY_CONFIRMATION,
    REDEEM_CONFIRMATION,
    REPORT_OUTCOME,
    END_PIN_SESSIONS,
)

BY_ROUTE: Final[Mapping[tuple[str, str], Operation[Any]]] = {
    (o.method, o.path): o for o in ALL
}
