"""The asynchronous clients' methods.

Generated from openapi.yaml by tools/python/generate.py. Do not edit.
"""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from .._operation import Operation, Request
from . import models
from . import operations as ops

T = TypeVar("T")

class AsyncAdminOperations:
    """What an admin's dashboard calls: a method for each operation."""

    async def _call(self, operation: Operation[T], request: Request) -> T:
        raise NotImplementedError

    async def get_customer_pin_status(
        self,
        customer_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> models.PinStatus:
        """Get a customer's PIN status.

        Tells whether the customer has a PIN, and whether it is active or locked. A customer who
        was never seen reads like one without a PIN.
        """
        request = Request(path={"customer_id": customer_id}, timeout=timeout)
        return await self._call(ops.GET_CUSTOMER_PIN_STATUS, request)

    async def set_customer_pin(
        self,
        customer_id: UUID | str,
        body: models.SetPin,
        *,
        timeout: float | None = None,
    ) -> models.PinStatus:
        """Set a customer's PIN.

        Sets the PIN, or replaces it like a reset: nothing of the old PIN stays, a lock or
        deactivation is lifted, and every session and every pending or approved confirmation of the
        customer ends.

        A PIN has 4 to 12 digits (the server may narrow this). PINs that are easily guessed are
        refused with `pin_too_weak`.
        """
        request = Request(path={"customer_id": customer_id}, body=body, timeout=timeout)
        return await self._call(ops.SET_CUSTOMER_PIN, request)

    async def remove_customer_pin(
        self,
        customer_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> None:
        """Remove a customer's PIN.

        Removes the PIN with its count and lock, and ends every session and every pending or
        approved confirmation of the customer. Removing what is not there is no error.
        """
        request = Request(path={"customer_id": customer_id}, timeout=timeout)
        return await self._call(ops.REMOVE_CUSTOMER_PIN, request)

    async def unlock_customer_pin(
        self,
        customer_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> models.PinStatus:
        """Unlock a customer's PIN.

        Lifts lock and deactivation and clears what wrong guesses have cost; the PIN stays.
        Unlocking what is not locked is no error.
        """
        request = Request(path={"customer_id": customer_id}, timeout=timeout)
        return await self._call(ops.UNLOCK_CUSTOMER_PIN, request)

    async def get_pin_policy(
        self,
        instance_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> models.PinPolicy:
        """Get an instance's PIN policy.

        Tells which skills of the instance need a PIN, for which roles, and how long one PIN lasts.
        An instance for which nothing was stored reads the defaults, with the ETag `"0"`.
        """
        request = Request(path={"instance_id": instance_id}, timeout=timeout)
        return await self._call(ops.GET_PIN_POLICY, request)

    async def update_pin_policy(
        self,
        instance_id: UUID | str,
        body: models.PinPolicyUpdate,
        *,
        if_match: str | None = None,
        timeout: float | None = None,
    ) -> models.PinPolicy:
        """Update an instance's PIN policy.

        Changes the fields that are given; an absent or null field stays as it is. Skills are
        compared without regard to ASCII case: a repeated spelling is dropped, the first one and
        the order stay. `*` stands for every skill. An update that changes nothing keeps the
        version.

        Send `If-Match` with the ETag that you read, and an update of somebody else in between is
        answered with 412 instead of being overwritten.

        - `if_match`: The ETag that the policy must still have, or `*`.
        """
        request = Request(
            path={"instance_id": instance_id},
            header={"If-Match": if_match},
            body=body,
            timeout=timeout,
        )
        return await self._call(ops.UPDATE_PIN_POLICY, request)

    async def get_identity_pin_status(
        self,
        instance_id: UUID | str,
        identity_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> models.PinStatus:
        """Get an identity's PIN status.

        Tells whether a channel identity of the instance has a PIN, and whether it is active or
        locked.
        """
        request = Request(
            path={"instance_id": instance_id, "identity_id": identity_id},
            timeout=timeout,
        )
        return await self._call(ops.GET_IDENTITY_PIN_STATUS, request)

    async def remove_identity_pin(
        self,
        instance_id: UUID | str,
        identity_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> None:
        """Remove an identity's PIN.

        Removes the PIN with its count, lock and cooling off, and ends every session and every
        pending or approved confirmation of the identity. Removing what is not there is no error.
        """
        request = Request(
            path={"instance_id": instance_id, "identity_id": identity_id},
            timeout=timeout,
        )
        return await self._call(ops.REMOVE_IDENTITY_PIN, request)

    async def unlock_identity_pin(
        self,
        instance_id: UUID | str,
        identity_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> models.PinStatus:
        """Unlock an identity's PIN.

        Lifts lock, deactivation and cooling off and clears what wrong guesses have cost; the PIN
        stays. Unlocking what is not locked is no error.
        """
        request = Request(
            path={"instance_id": instance_id, "identity_id": identity_id},
            timeout=timeout,
        )
        return await self._call(ops.UNLOCK_IDENTITY_PIN, request)

    async def get_my_pin_status(self, *, timeout: float | None = None) -> models.PinStatus:
        """Get my PIN status.

        Tells the customer whose token this is whether they have a PIN. A token without a
        `customer_id`, and an API key, are answered with 403.
        """
        request = Request(timeout=timeout)
        return await self._call(ops.GET_MY_PIN_STATUS, request)


class AsyncRuntimeOperations:
    """What the runtime key of one instance opens: a method for each operation."""

    async def _call(self, operation: Operation[T], request: Request) -> T:
        raise NotImplementedError

    async def runtime_get_pin_status(
        self,
        identity_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> models.PinStatus:
        """Get an identity's PIN status as the runtime.

        Tells whether a channel identity of the runtime's instance has a PIN, and whether it is
        active or locked.
        """
        request = Request(path={"identity_id": identity_id}, timeout=timeout)
        return await self._call(ops.RUNTIME_GET_PIN_STATUS, request)

    async def runtime_set_pin(
        self,
        identity_id: UUID | str,
        body: models.SetIdentityPin,
        *,
        timeout: float | None = None,
    ) -> models.PinStatus:
        """Set an identity's PIN as the runtime.

        Sets the identity's first PIN, or replaces it when `current_pin` is right. `current_pin`
        costs an attempt like any guess; it is ignored where there is no PIN. A PIN that is set
        after the runtime removed one begins to count only later (24 hours by default), so that a
        misled agent cannot swap a PIN and use it.
        """
        request = Request(path={"identity_id": identity_id}, body=body, timeout=timeout)
        return await self._call(ops.RUNTIME_SET_PIN, request)

    async def runtime_remove_pin(
        self,
        identity_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> None:
        """Remove an identity's PIN as the runtime.

        Removes the PIN; what wrong guesses have cost outlives it. Removing what is not there is no
        error. While the PIN is locked or deactivated it stays: 423.
        """
        request = Request(path={"identity_id": identity_id}, timeout=timeout)
        return await self._call(ops.RUNTIME_REMOVE_PIN, request)

    async def ask_confirmation(
        self,
        body: models.AskConfirmation,
        *,
        timeout: float | None = None,
    ) -> models.Confirmation:
        """Ask whether a skill may run.

        Answers what must happen before the skill may run.

        - `not_required` (200): the policy asks for no PIN; holds for this moment only and is not
          to be cached.
        - `blocked` (200): the PIN that is needed cannot be used now; `reason` says why.
        - `pending` (201): the holder has to enter the PIN; send it with *verify*, or wait for the
          outcome.
        - `approved` (201): a live session stands for the PIN; *redeem* as the skill runs.

        Name the holder by exactly one of `customer_id` and `identity_id`. An `action` is always
        confirmed for itself: no session covers it. With an `idempotency_key`, the same question
        gives 200 and the confirmation as it is now; another question under that key is 409.
        """
        request = Request(body=body, timeout=timeout)
        return await self._call(ops.ASK_CONFIRMATION, request)

    async def get_confirmation(
        self,
        confirmation_id: UUID | str,
        *,
        wait_seconds: int | None = None,
        timeout: float | None = None,
    ) -> models.Confirmation:
        """Get a confirmation, or wait for its outcome.

        Answers the confirmation as it is now. With `wait_seconds`, the answer comes as soon as the
        confirmation leaves `pending`, from whichever node, or when the time is over.

        - `wait_seconds`: How many seconds to wait at most for the confirmation to leave `pending`.
        """
        request = Request(
            path={"confirmation_id": confirmation_id},
            query={"wait_seconds": wait_seconds},
            timeout=timeout,
        )
        return await self._call(ops.GET_CONFIRMATION, request)

    async def decline_confirmation(
        self,
        confirmation_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> None:
        """Decline a confirmation.

        Ends a pending or approved confirmation: its status becomes `declined`. Declining it again
        is no error.
        """
        request = Request(path={"confirmation_id": confirmation_id}, timeout=timeout)
        return await self._call(ops.DECLINE_CONFIRMATION, request)

    async def verify_confirmation(
        self,
        confirmation_id: UUID | str,
        body: models.VerifyPin,
        *,
        timeout: float | None = None,
    ) -> models.Confirmation:
        """Verify a PIN for a confirmation.

        Spends one attempt of the holder and compares the PIN. Right: the confirmation is
        `approved`, and where it has no action a session opens. Wrong: 403 with
        `attempts_remaining`. Locked or deactivated: 423, and nothing is looked at. The attempt is
        taken before the PIN is looked at; never repeat this call by itself.
        """
        request = Request(path={"confirmation_id": confirmation_id}, body=body, timeout=timeout)
        return await self._call(ops.VERIFY_CONFIRMATION, request)

    async def redeem_confirmation(
        self,
        confirmation_id: UUID | str,
        body: models.RedeemConfirmation,
        *,
        timeout: float | None = None,
    ) -> models.Confirmation:
        """Redeem an approved confirmation.

        The decision that counts, at the moment the skill runs. It succeeds once, for the skill and
        the params that were confirmed, and only while what the approval rested on still holds.
        Only a 200 lets the skill run. A lost answer is not repeated: in doubt the skill does not
        run, and the runtime asks again.
        """
        request = Request(path={"confirmation_id": confirmation_id}, body=body, timeout=timeout)
        return await self._call(ops.REDEEM_CONFIRMATION, request)

    async def end_pin_sessions(
        self,
        *,
        customer_id: UUID | str | None = None,
        identity_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> None:
        """End a holder's PIN sessions.

        "Lock now": ends the holder's sessions on this instance and every approved confirmation
        that was not yet redeemed. Name the holder by exactly one of `customer_id` and
        `identity_id`.

        - `customer_id`: The holder, when it is a customer.
        - `identity_id`: The holder, when it is a channel identity of the instance.
        """
        request = Request(
            query={"customer_id": customer_id, "identity_id": identity_id},
            timeout=timeout,
        )
        return await self._call(ops.END_PIN_SESSIONS, request)
