"""The asynchronous clients' methods.

Generated from openapi.yaml by tools/python/generate.py. Do not edit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, TypeVar
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

        Returns whether the customer has a PIN, and whether that PIN is active or locked. A
        customer that hydrapin has never seen gets the same answer as a customer without a PIN.

        Requires an admin token, or an API key with the scope `pins:read`.
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

        Sets the customer's PIN. If the customer already has one, the new PIN replaces it: a lock
        or deactivation is lifted, the failed attempts are cleared, and all of the customer's PIN
        sessions and all pending or approved confirmations end.

        A PIN has 4 to 12 digits; the operator of the server can narrow that range. A PIN that is
        easy to guess is refused with the error type `pin_too_weak`.

        Requires an admin token, or an API key with the scope `pins:write`.
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

        Removes the customer's PIN together with its failed attempts and its lock. All of the
        customer's PIN sessions and all pending or approved confirmations end. The request also
        succeeds if the customer has no PIN.

        Requires an admin token, or an API key with the scope `pins:write`.
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

        Lifts a lock or deactivation and clears the failed attempts. The PIN itself does not
        change. The request also succeeds if the PIN is not locked.

        Requires an admin token, or an API key with the scope `pins:write`.
        """
        request = Request(path={"customer_id": customer_id}, timeout=timeout)
        return await self._call(ops.UNLOCK_CUSTOMER_PIN, request)

    async def deactivate_customer_pin(
        self,
        customer_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> models.PinStatus:
        """Deactivate a customer's PIN.

        Deactivates the PIN, as too many incorrect attempts do: PIN sessions and PIN links end, and
        what was approved before can no longer be redeemed. The PIN stays deactivated until an
        admin unlocks or replaces it. The request also succeeds if there is no PIN: then only an
        admin can set one until the unlock.

        Requires an admin token, or an API key with the scope `pins:write`.
        """
        request = Request(path={"customer_id": customer_id}, timeout=timeout)
        return await self._call(ops.DEACTIVATE_CUSTOMER_PIN, request)

    async def create_customer_pin_link(
        self,
        customer_id: UUID | str,
        body: models.CreatePinLink | None = None,
        *,
        timeout: float | None = None,
    ) -> models.PinLink:
        """Create a PIN link for a customer.

        Creates a link with which the person chooses their PIN, once. It ends the link that was
        created here before. The link also ends when it expires, when the PIN is set, removed or
        deactivated in another way, and when the key that created it is revoked.

        A PIN that is chosen with it counts as one that an admin set: failed attempts, a lock and a
        deactivation are lifted. But `set_by` is `holder`.

        Until it is used, the link is a credential: whoever holds it chooses the PIN. Send it to
        the person through a channel of your own. Never pass it through a model, and keep it out of
        the logs of your proxies.

        Requires an admin token, or an API key with the scope `pins:write`.
        """
        request = Request(path={"customer_id": customer_id}, body=body, timeout=timeout)
        return await self._call(ops.CREATE_CUSTOMER_PIN_LINK, request)

    async def end_customer_pin_links(
        self,
        customer_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> None:
        """End the PIN links of a customer.

        Ends the live links for this PIN, those of the runtime included. The request also succeeds
        if there are none.

        Requires an admin token, or an API key with the scope `pins:write`.
        """
        request = Request(path={"customer_id": customer_id}, timeout=timeout)
        return await self._call(ops.END_CUSTOMER_PIN_LINKS, request)

    async def get_pin_policy(
        self,
        instance_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> models.PinPolicy:
        """Get an instance's PIN policy.

        Returns which skills of the instance need a PIN, for which roles, and how long a PIN
        session lasts. An instance without a stored policy returns the defaults and the ETag `"0"`.

        Requires any token of the tenant, or an API key with the scope `pin-policies:read`.
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

        Changes the fields that you send. A field that is absent or null keeps its value. A request
        that changes nothing keeps the version.

        If the list has two spellings of one name, the first is kept. The order of the list is
        kept. An entry that ends in `*` stands for every skill whose name begins with what precedes
        it: `payments.*`, or `*` for every skill.

        To avoid overwriting someone else's change, send `If-Match` with the ETag that you read. If
        the policy has changed in the meantime, the request fails with 412 and nothing is changed.

        Requires an admin token, or an API key with the scope `pin-policies:write`.

        - `if_match`: The ETag of the policy that you read, a list of ETags, or `*`. The update
          fails with 412 if the policy has a different version. Leave it out to update any version.
          What a proxy that compresses adds to an ETag (`W/`, `-gzip`, `-br`, `;gzip`) is ignored.
        """
        request = Request(
            path={"instance_id": instance_id},
            header={"If-Match": if_match},
            body=body,
            timeout=timeout,
        )
        return await self._call(ops.UPDATE_PIN_POLICY, request)

    async def get_tenant_freeze(self, *, timeout: float | None = None) -> models.Freeze:
        """Get the freeze of the tenant.

        Says whether the tenant is frozen, since when, by whom, and why.

        Requires an admin token, or an API key with the scope `pin-policies:read`.
        """
        request = Request(timeout=timeout)
        return await self._call(ops.GET_TENANT_FREEZE, request)

    async def set_tenant_freeze(
        self,
        body: models.SetFreeze | None = None,
        *,
        timeout: float | None = None,
    ) -> models.Freeze:
        """Freeze the tenant.

        Stops everything that a PIN protects, at once: while the tenant is frozen, every question
        is `blocked` with the reason `frozen`, and *verify* and *redeem* fail with 403 and spend
        nothing. Confirmations that are approved and not redeemed are declined, and PIN sessions
        end; they stay ended after the freeze is lifted. After the answer, nothing is redeemed.
        Receipts that were issued before stay valid offline. Freezing again changes nothing, except
        that a freeze by an admin replaces a freeze by an API key.

        Requires an admin token, or an API key with the scope `pin-policies:write`.
        """
        request = Request(body=body, timeout=timeout)
        return await self._call(ops.SET_TENANT_FREEZE, request)

    async def lift_tenant_freeze(self, *, timeout: float | None = None) -> None:
        """Lift the freeze of the tenant.

        Lifts the freeze. The request also succeeds if there is none. What the freeze ended stays
        ended. A freeze by an admin token can only be lifted by an admin token.

        Requires an admin token, or an API key with the scope `pin-policies:write`.
        """
        request = Request(timeout=timeout)
        return await self._call(ops.LIFT_TENANT_FREEZE, request)

    async def get_instance_freeze(
        self,
        instance_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> models.Freeze:
        """Get the freeze of an instance.

        Says whether the instance is frozen, since when, by whom, and why. A freeze of the tenant
        is not shown here.

        Requires an admin token, or an API key with the scope `pin-policies:read`.
        """
        request = Request(path={"instance_id": instance_id}, timeout=timeout)
        return await self._call(ops.GET_INSTANCE_FREEZE, request)

    async def set_instance_freeze(
        self,
        instance_id: UUID | str,
        body: models.SetFreeze | None = None,
        *,
        timeout: float | None = None,
    ) -> models.Freeze:
        """Freeze an instance.

        Stops everything that a PIN protects, at once: while the instance is frozen, every question
        is `blocked` with the reason `frozen`, and *verify* and *redeem* fail with 403 and spend
        nothing. Confirmations that are approved and not redeemed are declined, and PIN sessions
        end; they stay ended after the freeze is lifted. After the answer, nothing is redeemed.
        Receipts that were issued before stay valid offline. Freezing again changes nothing, except
        that a freeze by an admin replaces a freeze by an API key.

        Requires an admin token, or an API key with the scope `pin-policies:write`.
        """
        request = Request(path={"instance_id": instance_id}, body=body, timeout=timeout)
        return await self._call(ops.SET_INSTANCE_FREEZE, request)

    async def lift_instance_freeze(
        self,
        instance_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> None:
        """Lift the freeze of an instance.

        Lifts the freeze. The request also succeeds if there is none. What the freeze ended stays
        ended. A freeze by an admin token can only be lifted by an admin token.

        Requires an admin token, or an API key with the scope `pin-policies:write`.
        """
        request = Request(path={"instance_id": instance_id}, timeout=timeout)
        return await self._call(ops.LIFT_INSTANCE_FREEZE, request)

    async def get_identity_pin_status(
        self,
        instance_id: UUID | str,
        identity_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> models.PinStatus:
        """Get an identity's PIN status.

        Returns whether a channel identity of the instance has a PIN, and whether that PIN is
        active or locked. An identity that hydrapin has never seen gets the same answer as an
        identity without a PIN.

        Requires an admin token, or an API key with the scope `pins:read`.
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

        Removes the identity's PIN together with its failed attempts, its lock and its cooling-off
        period. All of the identity's PIN sessions and all pending or approved confirmations end.
        The request also succeeds if the identity has no PIN.

        Requires an admin token, or an API key with the scope `pins:write`.
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

        Lifts a lock or deactivation, ends the cooling-off period and clears the failed attempts.
        The PIN itself does not change. The request also succeeds if the PIN is not locked.

        Requires an admin token, or an API key with the scope `pins:write`.
        """
        request = Request(
            path={"instance_id": instance_id, "identity_id": identity_id},
            timeout=timeout,
        )
        return await self._call(ops.UNLOCK_IDENTITY_PIN, request)

    async def deactivate_identity_pin(
        self,
        instance_id: UUID | str,
        identity_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> models.PinStatus:
        """Deactivate an identity's PIN.

        Deactivates the PIN, as too many incorrect attempts do: PIN sessions and PIN links end, and
        what was approved before can no longer be redeemed. The PIN stays deactivated until an
        admin unlocks or replaces it. The request also succeeds if there is no PIN: then only an
        admin can set one until the unlock.

        Requires an admin token, or an API key with the scope `pins:write`.
        """
        request = Request(
            path={"instance_id": instance_id, "identity_id": identity_id},
            timeout=timeout,
        )
        return await self._call(ops.DEACTIVATE_IDENTITY_PIN, request)

    async def create_identity_pin_link(
        self,
        instance_id: UUID | str,
        identity_id: UUID | str,
        body: models.CreatePinLink | None = None,
        *,
        timeout: float | None = None,
    ) -> models.PinLink:
        """Create a PIN link for an identity.

        Creates a link with which the person chooses their PIN, once. It ends the link that was
        created here before. The link also ends when it expires, when the PIN is set, removed or
        deactivated in another way, and when the key that created it is revoked.

        A PIN that is chosen with it counts as one that an admin set: failed attempts, a lock and a
        deactivation are lifted. But `set_by` is `holder`.

        Until it is used, the link is a credential: whoever holds it chooses the PIN. Send it to
        the person through a channel of your own. Never pass it through a model, and keep it out of
        the logs of your proxies.

        Requires an admin token, or an API key with the scope `pins:write`.
        """
        request = Request(
            path={"instance_id": instance_id, "identity_id": identity_id},
            body=body,
            timeout=timeout,
        )
        return await self._call(ops.CREATE_IDENTITY_PIN_LINK, request)

    async def end_identity_pin_links(
        self,
        instance_id: UUID | str,
        identity_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> None:
        """End the PIN links of an identity.

        Ends the live links for this PIN, those of the runtime included. The request also succeeds
        if there are none.

        Requires an admin token, or an API key with the scope `pins:write`.
        """
        request = Request(
            path={"instance_id": instance_id, "identity_id": identity_id},
            timeout=timeout,
        )
        return await self._call(ops.END_IDENTITY_PIN_LINKS, request)

    async def list_pins(
        self,
        *,
        status: Literal["active", "locked", "inactive", "none"] | None = None,
        set_by: Literal["admin", "runtime", "holder"] | None = None,
        holder_type: Literal["customer", "identity"] | None = None,
        instance_id: UUID | str | None = None,
        page: int | None = None,
        per_page: int | None = None,
        timeout: float | None = None,
    ) -> models.PinList:
        """List who has a PIN.

        Returns the holders of the tenant that hydrapin knows, a page at a time: customers first,
        in the order of their ids, then the channel identities of each instance. Without `status`,
        the list contains holders whose PIN was removed too.

        Requires an admin token, or an API key with the scope `pins:read`.

        - `status`: Only PINs in this state now. A PIN that is locked is not `active`, one that is
          deactivated is only `inactive`, and `none` stands for holders without a PIN.
        - `set_by`: Only PINs that were set by this party.
        - `holder_type`: Only holders of this type.
        - `instance_id`: Only channel identities of this instance.
        - `page`: Which page to return. The first page is 1.
        - `per_page`: How many entries a page has at most.
        """
        request = Request(
            query={"status": status, "set_by": set_by, "holder_type": holder_type, "instance_id": instance_id, "page": page, "per_page": per_page},
            timeout=timeout,
        )
        return await self._call(ops.LIST_PINS, request)

    async def iter_pins(
        self,
        *,
        status: Literal["active", "locked", "inactive", "none"] | None = None,
        set_by: Literal["admin", "runtime", "holder"] | None = None,
        holder_type: Literal["customer", "identity"] | None = None,
        instance_id: UUID | str | None = None,
        per_page: int | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[models.HolderPin]:
        """Iterates over all that `list_pins` lists, page by page."""
        page = 1
        while True:
            answer = await self.list_pins(
                status=status,
                set_by=set_by,
                holder_type=holder_type,
                instance_id=instance_id,
                per_page=per_page,
                page=page,
                timeout=timeout,
            )
            for item in answer.pins:
                yield item
            if page >= answer.total_pages:
                return
            page += 1

    async def list_api_keys(
        self,
        *,
        page: int | None = None,
        per_page: int | None = None,
        timeout: float | None = None,
    ) -> models.ApiKeyList:
        """List API keys.

        Returns the API keys and runtime keys of the tenant, the oldest first, a page at a time.
        Expired and revoked keys are listed too. The list never contains a key itself.

        Requires an admin token, or an API key with the scope `api-keys:read`.

        - `page`: Which page to return. The first page is 1.
        - `per_page`: How many entries a page has at most.
        """
        request = Request(query={"page": page, "per_page": per_page}, timeout=timeout)
        return await self._call(ops.LIST_API_KEYS, request)

    async def iter_api_keys(
        self,
        *,
        per_page: int | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[models.ApiKey]:
        """Iterates over all that `list_api_keys` lists, page by page."""
        page = 1
        while True:
            answer = await self.list_api_keys(per_page=per_page, page=page, timeout=timeout)
            for item in answer.api_keys:
                yield item
            if page >= answer.total_pages:
                return
            page += 1

    async def create_api_key(
        self,
        body: models.CreateApiKey,
        *,
        timeout: float | None = None,
    ) -> models.CreatedApiKey:
        """Create an API key.

        Creates a key and returns it, once: only its hash is stored. Send `scopes` for an API key,
        or `instance_id` for the runtime key of that instance.

        An API key can only create API keys, only with scopes that it has itself, and none that
        expires later than it does. Without `expires_at`, the new key expires when the key that
        creates it does; a key that an admin token creates does not expire. At most 32 keys can be
        created one from another.

        Requires an admin token, or an API key with the scope `api-keys:write`. A runtime key
        requires an admin token.
        """
        request = Request(body=body, timeout=timeout)
        return await self._call(ops.CREATE_API_KEY, request)

    async def revoke_api_key(self, api_key_id: str, *, timeout: float | None = None) -> None:
        """Revoke an API key.

        Revokes a key for good, with every key that was created with it, and with those that were
        created with them. Their open PIN links end. A revoked key can write nothing from now on,
        and read nothing after at most 5 seconds. The request also succeeds if the key is revoked
        already.

        An API key can revoke itself and the keys that were created with it, directly or through
        others. An admin token can revoke every key of the tenant.

        Requires an admin token, or an API key with the scope `api-keys:write`.
        """
        request = Request(path={"api_key_id": api_key_id}, timeout=timeout)
        return await self._call(ops.REVOKE_API_KEY, request)

    async def list_webhooks(
        self,
        *,
        page: int | None = None,
        per_page: int | None = None,
        timeout: float | None = None,
    ) -> models.WebhookList:
        """List webhooks.

        Returns the webhooks of the tenant, the oldest first, a page at a time. A tenant has at
        most 20.

        Requires an admin token, or an API key with the scope `webhooks:read`.

        - `page`: Which page to return. The first page is 1.
        - `per_page`: How many entries a page has at most.
        """
        request = Request(query={"page": page, "per_page": per_page}, timeout=timeout)
        return await self._call(ops.LIST_WEBHOOKS, request)

    async def iter_webhooks(
        self,
        *,
        per_page: int | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[models.Webhook]:
        """Iterates over all that `list_webhooks` lists, page by page."""
        page = 1
        while True:
            answer = await self.list_webhooks(per_page=per_page, page=page, timeout=timeout)
            for item in answer.webhooks:
                yield item
            if page >= answer.total_pages:
                return
            page += 1

    async def create_webhook(
        self,
        body: models.CreateWebhook,
        *,
        timeout: float | None = None,
    ) -> models.CreatedWebhook:
        """Create a webhook.

        Creates a webhook: from now on, each event that it gets is sent to its `url` within
        seconds, at least once. The answer has the secret that the messages are signed with
        (Standard Webhooks 1.0). It is shown only this once.

        `events` lists types of events, as in `pin.locked`, or families of them, as in `pin.*`. The
        address that the `url` leads to must be public unless the operator of the server allows
        private ones. Redirects are not followed.

        A webhook is notice that something happened. It is never a reason to run a skill: only
        *redeem* allows that.

        Requires an admin token, or an API key with the scopes `webhooks:write` and `events:read`.
        When an API key is revoked, the webhooks that it created are disabled.
        """
        request = Request(body=body, timeout=timeout)
        return await self._call(ops.CREATE_WEBHOOK, request)

    async def get_webhook(
        self,
        webhook_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> models.Webhook:
        """Get a webhook.

        Returns a webhook, without its secret.

        Requires an admin token, or an API key with the scope `webhooks:read`.
        """
        request = Request(path={"webhook_id": webhook_id}, timeout=timeout)
        return await self._call(ops.GET_WEBHOOK, request)

    async def update_webhook(
        self,
        webhook_id: UUID | str,
        body: models.UpdateWebhook,
        *,
        timeout: float | None = None,
    ) -> models.Webhook:
        """Update a webhook.

        Changes the fields that are sent; a field that is absent or null stays as it is. An empty
        `description` removes it.

        While a webhook is disabled, nothing is queued for it, and what was queued before waits.
        Enabling it sends that, and forgets its failures.

        Requires an admin token, or an API key with the scope `webhooks:write`; to change `url` or
        `events`, the key needs the scope `events:read` too.
        """
        request = Request(path={"webhook_id": webhook_id}, body=body, timeout=timeout)
        return await self._call(ops.UPDATE_WEBHOOK, request)

    async def delete_webhook(
        self,
        webhook_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> None:
        """Delete a webhook.

        Deletes a webhook. Nothing more is sent to it, and its deliveries can no longer be read.

        Requires an admin token, or an API key with the scope `webhooks:write`.
        """
        request = Request(path={"webhook_id": webhook_id}, timeout=timeout)
        return await self._call(ops.DELETE_WEBHOOK, request)

    async def rotate_webhook_secret(
        self,
        webhook_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> models.CreatedWebhook:
        """Rotate the secret of a webhook.

        Gives the webhook a new secret and returns it, once. For 24 hours messages are signed with
        the old secret too, so that receivers can be changed one by one. Rotating again within that
        time ends the secret before the last.

        Requires an admin token, or an API key with the scope `webhooks:write`.
        """
        request = Request(path={"webhook_id": webhook_id}, timeout=timeout)
        return await self._call(ops.ROTATE_WEBHOOK_SECRET, request)

    async def test_webhook(
        self,
        webhook_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> models.WebhookTest:
        """Test a webhook.

        Records an event of the type `webhook.tested`, and has it sent to this webhook whatever its
        `events` are. *List the deliveries of a webhook* says what became of it.

        Requires an admin token, or an API key with the scope `webhooks:write`.
        """
        request = Request(path={"webhook_id": webhook_id}, timeout=timeout)
        return await self._call(ops.TEST_WEBHOOK, request)

    async def list_webhook_deliveries(
        self,
        webhook_id: UUID | str,
        *,
        status: Literal["pending", "delivered", "dead"] | None = None,
        page: int | None = None,
        per_page: int | None = None,
        timeout: float | None = None,
    ) -> models.WebhookDeliveryList:
        """List the deliveries of a webhook.

        Returns what was sent, or is to be sent, to a webhook, a page at a time, those of the
        newest events first. A delivery is kept for 30 days.

        A delivery that fails is tried again after 5 seconds, 5 minutes, 30 minutes, and 2, 5, 10,
        14, 20 and 24 hours, each counted from the last failure. Then it is `dead`.

        Requires an admin token, or an API key with the scope `webhooks:read`.

        - `status`: Only deliveries that have this status. Without it, all.
        - `page`: Which page to return. The first page is 1.
        - `per_page`: How many entries a page has at most.
        """
        request = Request(
            path={"webhook_id": webhook_id},
            query={"status": status, "page": page, "per_page": per_page},
            timeout=timeout,
        )
        return await self._call(ops.LIST_WEBHOOK_DELIVERIES, request)

    async def iter_webhook_deliveries(
        self,
        webhook_id: UUID | str,
        *,
        status: Literal["pending", "delivered", "dead"] | None = None,
        per_page: int | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[models.WebhookDelivery]:
        """Iterates over all that `list_webhook_deliveries` lists, page by page."""
        page = 1
        while True:
            answer = await self.list_webhook_deliveries(
                webhook_id,
                status=status,
                per_page=per_page,
                page=page,
                timeout=timeout,
            )
            for item in answer.deliveries:
                yield item
            if page >= answer.total_pages:
                return
            page += 1

    async def retry_webhook_delivery(
        self,
        delivery_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> models.WebhookDelivery:
        """Retry a delivery.

        Has a delivery tried again now, whatever became of it before, also one that was delivered.
        One that is being tried, or that was not tried yet, stays as it is.

        Requires an admin token, or an API key with the scope `webhooks:write`.
        """
        request = Request(path={"delivery_id": delivery_id}, timeout=timeout)
        return await self._call(ops.RETRY_WEBHOOK_DELIVERY, request)

    async def get_my_pin_status(self, *, timeout: float | None = None) -> models.PinStatus:
        """Get my PIN status.

        Returns whether the customer who is signed in has a PIN, and whether that PIN is active or
        locked.

        Requires a token with a `customer_id`. A token without one, and any API key, gets 403.
        """
        request = Request(timeout=timeout)
        return await self._call(ops.GET_MY_PIN_STATUS, request)

    async def set_my_pin(
        self,
        body: models.SetMyPin,
        *,
        timeout: float | None = None,
    ) -> models.PinStatus:
        """Set my PIN.

        Replaces the PIN of the customer who is signed in. The `current_pin` must be correct, and
        costs an attempt. All of the customer's PIN sessions and all pending or approved
        confirmations end. The new PIN must differ from the current one.

        Without a PIN, the request fails with 409 unless the server allows customers to set their
        first PIN (`HYDRAPIN_SELF_SETUP`). They choose it through a PIN link instead.

        Requires a token with a `customer_id`. A token without one, and any API key, gets 403.
        """
        request = Request(body=body, timeout=timeout)
        return await self._call(ops.SET_MY_PIN, request)

    async def list_pin_events(
        self,
        *,
        after: str | None = None,
        limit: int | None = None,
        order: Literal["asc", "desc"] | None = None,
        type: Literal["pin.set", "pin.removed", "pin.attempted", "pin.verified", "pin.failed", "pin.refused", "pin.locked", "pin.deactivated", "pin.unlocked", "pin_link.created", "pin_link.ended", "policy.updated", "freeze.set", "freeze.lifted", "session.opened", "session.ended", "confirmation.not_required", "confirmation.blocked", "confirmation.asked", "confirmation.approved", "confirmation.declined", "confirmation.disputed", "confirmation.expired", "confirmation.redeemed", "confirmation.outcome", "confirmation.refused", "key.minted", "key.revoked", "access.denied", "instance.spraying", "database.restored", "refusals.counted", "audit.sealed", "audit.pruned", "webhook.created", "webhook.updated", "webhook.deleted", "webhook.disabled", "webhook.secret_rotated", "webhook.tested", "webhook.delivery_retried"] | None = None,
        customer_id: UUID | str | None = None,
        identity_id: UUID | str | None = None,
        instance_id: UUID | str | None = None,
        confirmation_id: UUID | str | None = None,
        actor: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        timeout: float | None = None,
    ) -> models.PinEventList:
        """List the events of the audit trail.

        Returns events of the tenant's audit trail, the oldest first, or with `order=desc` the
        newest first. Narrow the list with the other parameters; an event must match all of them.
        An event gets its place in the trail, its `index`, within a second after it happened.

        To get the next page, send `next` as `after`. A page may have fewer events than `limit`, or
        none, although there is a `next`: one request examines at most 10,000 events. The list is
        over when `next` is null. Events that arrive meanwhile change nothing in the pages before.

        Requires an admin token, or an API key with the scope `events:read`.

        - `after`: The `next` of the page before. Without it, the list begins at its beginning.
        - `limit`: How many events a page has at most.
        - `order`: Whether the oldest event comes first, or the newest.
        - `type`: Only events of this type.
        - `customer_id`: Only events about this customer as the holder of a PIN.
        - `identity_id`: Only events about this channel identity as the holder of a PIN.
        - `instance_id`: Only events of this instance.
        - `confirmation_id`: Only events of this confirmation.
        - `actor`: Only events of this actor: the id of a key, or the subject of a token.
        - `from_`: Only events that happened at this time or later (RFC 3339).
        - `to`: Only events that happened before this time (RFC 3339).
        """
        request = Request(
            query={"after": after, "limit": limit, "order": order, "type": type, "customer_id": customer_id, "identity_id": identity_id, "instance_id": instance_id, "confirmation_id": confirmation_id, "actor": actor, "from": from_, "to": to},
            timeout=timeout,
        )
        return await self._call(ops.LIST_PIN_EVENTS, request)

    async def iter_pin_events(
        self,
        *,
        limit: int | None = None,
        order: Literal["asc", "desc"] | None = None,
        type: Literal["pin.set", "pin.removed", "pin.attempted", "pin.verified", "pin.failed", "pin.refused", "pin.locked", "pin.deactivated", "pin.unlocked", "pin_link.created", "pin_link.ended", "policy.updated", "freeze.set", "freeze.lifted", "session.opened", "session.ended", "confirmation.not_required", "confirmation.blocked", "confirmation.asked", "confirmation.approved", "confirmation.declined", "confirmation.disputed", "confirmation.expired", "confirmation.redeemed", "confirmation.outcome", "confirmation.refused", "key.minted", "key.revoked", "access.denied", "instance.spraying", "database.restored", "refusals.counted", "audit.sealed", "audit.pruned", "webhook.created", "webhook.updated", "webhook.deleted", "webhook.disabled", "webhook.secret_rotated", "webhook.tested", "webhook.delivery_retried"] | None = None,
        customer_id: UUID | str | None = None,
        identity_id: UUID | str | None = None,
        instance_id: UUID | str | None = None,
        confirmation_id: UUID | str | None = None,
        actor: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[models.PinEvent]:
        """Iterates over all that `list_pin_events` lists, page by page."""
        after: str | None = None
        while True:
            answer = await self.list_pin_events(
                limit=limit,
                order=order,
                type=type,
                customer_id=customer_id,
                identity_id=identity_id,
                instance_id=instance_id,
                confirmation_id=confirmation_id,
                actor=actor,
                from_=from_,
                to=to,
                after=after,
                timeout=timeout,
            )
            for item in answer.events:
                yield item
            after = answer.next
            if after is None:
                return

    async def get_pin_event_checkpoint(self, *, timeout: float | None = None) -> bytes:
        """Get the signed head of the audit trail.

        Returns how far the tenant's audit trail has come, as a signed note (C2SP
        `tlog-checkpoint`): the origin, the number of events, the root of their Merkle tree, and
        signatures. Keep it outside of hydrapin: with it, an auditor finds any later change of the
        events that it covers. The keys are at `/.well-known/hydrapin-log.json`. Before the first
        event has its place in the trail, this is 404.

        Requires an admin token, or an API key with the scope `events:read`.
        """
        request = Request(timeout=timeout)
        return await self._call(ops.GET_PIN_EVENT_CHECKPOINT, request)

    async def get_pin_event_consistency(
        self,
        *,
        from_: int,
        to: int | None = None,
        timeout: float | None = None,
    ) -> models.PinEventConsistency:
        """Prove that the audit trail was only added to.

        Returns the proof (RFC 6962, section 2.1.2) that the tree of the first `to` events begins
        with that of the first `from`, unchanged. Sizes that the trail has not reached, or a `from`
        above `to`, are 404.

        Requires an admin token, or an API key with the scope `events:read`.

        - `from_`: The size of the older tree.
        - `to`: The size of the newer tree. Without it, the size that the tree has now.
        """
        request = Request(query={"from": from_, "to": to}, timeout=timeout)
        return await self._call(ops.GET_PIN_EVENT_CONSISTENCY, request)

    async def get_pin_event(
        self,
        index: int,
        *,
        timeout: float | None = None,
    ) -> models.PinEventLeaf:
        """Get one event of the audit trail.

        Returns an event, and its leaf: the exact bytes that are hashed, which are the event
        without its `index` as canonical JSON (RFC 8785). An event that is not there, or was
        removed after its retention, is 404.

        Requires an admin token, or an API key with the scope `events:read`.
        """
        request = Request(path={"index": index}, timeout=timeout)
        return await self._call(ops.GET_PIN_EVENT, request)

    async def get_pin_event_proof(
        self,
        index: int,
        *,
        size: int | None = None,
        timeout: float | None = None,
    ) -> models.PinEventProof:
        """Prove that an event is in the audit trail.

        Returns the proof (RFC 6962, section 2.1.1) that the event is in the tree of the first
        `size` events. Together with the leaf and a signed head of that size, it proves the event
        to a third party, without showing another event. A size that the trail has not reached, or
        that does not cover the event, is 404.

        Requires an admin token, or an API key with the scope `events:read`.

        - `size`: The size of the tree. Without it, the size that the tree has now.
        """
        request = Request(path={"index": index}, query={"size": size}, timeout=timeout)
        return await self._call(ops.GET_PIN_EVENT_PROOF, request)


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
        """Get an identity's PIN status (runtime).

        Returns whether a channel identity of the runtime's instance has a PIN, and whether that
        PIN is active or locked.

        Requires the runtime key of the instance.
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
        """Set an identity's PIN (runtime).

        Sets the identity's PIN. The first PIN needs only `pin`. To replace a PIN, also send the
        `current_pin`:

        - If it is correct, the new PIN is set. All of the identity's PIN sessions and all pending
          or approved confirmations end.
        - If it is incorrect, the request fails with 403 and costs the identity one attempt.
        - If it is missing, the request fails with 422.

        `current_pin` is ignored if there is no PIN. While the PIN is locked or deactivated, the
        request fails with 423.

        A PIN that the runtime sets after it removed one cannot confirm anything during a
        cooling-off period (24 hours by default). An agent that is tricked into swapping the PIN
        therefore cannot use the new one.

        Requires the runtime key of the instance.
        """
        request = Request(path={"identity_id": identity_id}, body=body, timeout=timeout)
        return await self._call(ops.RUNTIME_SET_PIN, request)

    async def runtime_remove_pin(
        self,
        identity_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> None:
        """Remove an identity's PIN (runtime).

        Removes the identity's PIN. The failed attempts are kept and also count against the next
        PIN. The request also succeeds if the identity has no PIN. While the PIN is locked or
        deactivated, the request fails with 423.

        Requires the runtime key of the instance.
        """
        request = Request(path={"identity_id": identity_id}, timeout=timeout)
        return await self._call(ops.RUNTIME_REMOVE_PIN, request)

    async def runtime_create_pin_link(
        self,
        identity_id: UUID | str,
        body: models.CreateRuntimePinLink | None = None,
        *,
        timeout: float | None = None,
    ) -> models.PinLink:
        """Create a PIN link for an identity (runtime).

        Creates a link with which the person chooses their PIN, once. It ends the link that was
        created here before. The link also ends when it expires, when the PIN is set, removed or
        deactivated in another way, and when the key that created it is revoked.

        If a PIN is set, the person must enter it too, which costs an attempt. A first PIN after
        the runtime removed one has a cooling-off period, as when the runtime sets it.

        Until it is used, the link is a credential: whoever holds it chooses the PIN. Send it to
        the person through a channel of your own. Never pass it through a model, and keep it out of
        the logs of your proxies.

        Requires the runtime key of the instance.
        """
        request = Request(path={"identity_id": identity_id}, body=body, timeout=timeout)
        return await self._call(ops.RUNTIME_CREATE_PIN_LINK, request)

    async def runtime_end_pin_links(
        self,
        identity_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> None:
        """End the PIN links of an identity (runtime).

        Ends the live links that the runtime created. The request also succeeds if there are none.

        Requires the runtime key of the instance.
        """
        request = Request(path={"identity_id": identity_id}, timeout=timeout)
        return await self._call(ops.RUNTIME_END_PIN_LINKS, request)

    async def get_pin_policy_decision(
        self,
        *,
        skill: str,
        role: Literal["owner", "customer"],
        timeout: float | None = None,
    ) -> models.PinPolicyDecision:
        """Ask whether a skill needs a PIN.

        Says whether *Ask whether a skill may run* would need a PIN now. Nothing is stored. The
        answer holds for this moment only: do not cache it. While the instance or its tenant is
        frozen, the answer is `required: true` with the reason `frozen`, and the skill must not
        run.

        Requires the runtime key of the instance.

        - `skill`: The name of the skill that is about to run.
        - `role`: How the holder uses the instance.
        """
        request = Request(query={"skill": skill, "role": role}, timeout=timeout)
        return await self._call(ops.GET_PIN_POLICY_DECISION, request)

    async def list_confirmations(
        self,
        *,
        status: Literal["pending", "approved"] | None = None,
        customer_id: UUID | str | None = None,
        identity_id: UUID | str | None = None,
        limit: int | None = None,
        after: str | None = None,
        timeout: float | None = None,
    ) -> models.ConfirmationList:
        """List open confirmations.

        Returns the confirmations of the instance that are pending or approved now, the newest
        first: what a runtime finds again after a restart. Narrow the list with `status`, and with
        at most one of `customer_id` and `identity_id`. To get the next page, send `next` as
        `after`.

        Requires the runtime key of the instance.

        - `status`: Only confirmations that have this status now. Without it, both.
        - `customer_id`: The id of the holder, if the holder is a customer.
        - `identity_id`: The id of the holder, if the holder is a channel identity of the instance.
        - `limit`: How many confirmations a page has at most.
        - `after`: The `next` of the page before. Without it, the list begins with the newest.
        """
        request = Request(
            query={"status": status, "customer_id": customer_id, "identity_id": identity_id, "limit": limit, "after": after},
            timeout=timeout,
        )
        return await self._call(ops.LIST_CONFIRMATIONS, request)

    async def iter_confirmations(
        self,
        *,
        status: Literal["pending", "approved"] | None = None,
        customer_id: UUID | str | None = None,
        identity_id: UUID | str | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[models.Confirmation]:
        """Iterates over all that `list_confirmations` lists, page by page."""
        after: str | None = None
        while True:
            answer = await self.list_confirmations(
                status=status,
                customer_id=customer_id,
                identity_id=identity_id,
                limit=limit,
                after=after,
                timeout=timeout,
            )
            for item in answer.confirmations:
                yield item
            after = answer.next
            if after is None:
                return

    async def ask_confirmation(
        self,
        body: models.AskConfirmation,
        *,
        timeout: float | None = None,
    ) -> models.Confirmation:
        """Ask whether a skill may run.

        Call this before a skill runs. The `status` of the answer says what to do next:

        - `not_required` (200): the policy needs no PIN for this skill and role. This holds for
          this moment only. Do not cache it.
        - `blocked` (200): the skill needs a PIN that cannot be used now. `reason` says why. The
          skill must not run.
        - `pending` (201): the holder has to enter the PIN. Send the PIN to `…/verify`, or wait for
          the outcome.
        - `approved` (201): a PIN session covers this skill. Send `…/redeem` when the skill runs.

        Name the holder with exactly one of `customer_id` and `identity_id`.

        With an `action`, the holder confirms exactly that action. A PIN session never covers an
        action.

        To retry safely, send an `idempotency_key`. The same question with the same key returns the
        existing confirmation as it is now, with 200. A different question with the same key fails
        with 409.

        A `call_key` finds the confirmation of the same call again, and lets it run once: the key
        is held while its confirmation is pending or approved, and after its holder declined it
        until `expires_at`. Then the next question with the key is a new one. Send at most one of
        the two keys.

        A holder may have 50 pending confirmations on an instance, and 100 that are approved and
        not redeemed. Past that the request fails with 429.

        Requires the runtime key of the instance.
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
        """Get a confirmation or wait for its outcome.

        Returns the confirmation as it is now. With `wait_seconds`, the answer is sent as soon as
        the confirmation is no longer `pending`, or when that time has passed. It does not matter
        which server the PIN was sent to.

        Requires the runtime key of the instance.

        - `wait_seconds`: How many seconds to wait at most, while the confirmation is `pending`,
          before the answer is sent.
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

        Ends a pending or approved confirmation: its status becomes `declined`. The request also
        succeeds if the confirmation is already declined.

        Requires the runtime key of the instance.
        """
        request = Request(path={"confirmation_id": confirmation_id}, timeout=timeout)
        return await self._call(ops.DECLINE_CONFIRMATION, request)

    async def get_confirmation_qr(
        self,
        confirmation_id: UUID | str,
        *,
        timeout: float | None = None,
    ) -> bytes:
        """Get the link of a confirmation as a QR code.

        Returns an image of the `confirm_url`, for a person who sits at a desktop and confirms on
        their phone.

        Requires the runtime key of the instance.
        """
        request = Request(path={"confirmation_id": confirmation_id}, timeout=timeout)
        return await self._call(ops.GET_CONFIRMATION_QR, request)

    async def verify_confirmation(
        self,
        confirmation_id: UUID | str,
        body: models.VerifyPin,
        *,
        timeout: float | None = None,
    ) -> models.Confirmation:
        """Verify the PIN for a confirmation.

        Checks the PIN that the holder entered. Every check costs the holder one attempt, which is
        taken before the PIN is compared:

        - If the PIN is correct, the confirmation becomes `approved`, and the count of consecutive
          incorrect attempts goes back to zero. If the confirmation has no action and the policy
          allows PIN sessions, one begins.
        - If the PIN is incorrect, the request fails with 403. `attempts_remaining` says how many
          attempts are left.
        - If the PIN is locked or deactivated, the request fails with 423 and the PIN is not
          checked.

        Do not repeat this request automatically: each repetition can cost another attempt.

        Requires the runtime key of the instance.
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

        Call this when the skill runs. Only the answer 200 allows the skill to run.

        An approval can be redeemed once, for the skill and the params that the holder confirmed.
        It can be redeemed until `expires_at`, which is 120 seconds after the approval by default.
        hydrapin checks again that the PIN has not changed, is not locked or deactivated, and that
        the PIN session, if one was used, is still live.

        If you do not receive the answer, the skill must not run: the approval may already be used.
        Ask again.

        Requires the runtime key of the instance.
        """
        request = Request(path={"confirmation_id": confirmation_id}, body=body, timeout=timeout)
        return await self._call(ops.REDEEM_CONFIRMATION, request)

    async def report_outcome(
        self,
        confirmation_id: UUID | str,
        body: models.ReportOutcome,
        *,
        timeout: float | None = None,
    ) -> models.Confirmation:
        """Report what became of a skill.

        Call this once the skill of a redeemed confirmation has run: `executed`, `failed`, or
        `unknown` if you cannot tell. It is the runtime's claim, not proof, and changes nothing
        else. The same outcome again succeeds. An `unknown` outcome can become `executed` or
        `failed` once. The detail is not part of the audit trail.

        Requires the runtime key of the instance.
        """
        request = Request(path={"confirmation_id": confirmation_id}, body=body, timeout=timeout)
        return await self._call(ops.REPORT_OUTCOME, request)

    async def end_pin_sessions(
        self,
        *,
        customer_id: UUID | str | None = None,
        identity_id: UUID | str | None = None,
        timeout: float | None = None,
    ) -> None:
        """End a holder's PIN sessions.

        Use this to "lock now". It ends the holder's PIN sessions on this instance, and every
        approved confirmation that has not been redeemed. Name the holder with exactly one of
        `customer_id` and `identity_id`.

        Requires the runtime key of the instance.

        - `customer_id`: The id of the holder, if the holder is a customer.
        - `identity_id`: The id of the holder, if the holder is a channel identity of the instance.
        """
        request = Request(
            query={"customer_id": customer_id, "identity_id": identity_id},
            timeout=timeout,
        )
        return await self._call(ops.END_PIN_SESSIONS, request)
