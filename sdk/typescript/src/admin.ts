import { UnexpectedAnswerError } from "./errors.js";
import type { AnswerOf, OperationId } from "./operations.js";
import { adminSettings } from "./environment.js";
import { reveal, type Secret } from "./secret.js";
import {
  Transport,
  uuid,
  type CallOptions,
  type ClientOptions,
  type CommonOptions,
  type Sent,
} from "./transport.js";
import type {
  ApiKey,
  ApiKeyList,
  CreatedApiKey,
  CreatedWebhook,
  Freeze,
  HolderPin,
  NewApiKey,
  PinEvent,
  PinEventConsistency,
  PinEventFilter,
  PinEventLeaf,
  PinEventList,
  PinEventProof,
  NewWebhook,
  PinFilter,
  PinLink,
  PinList,
  PinPolicy,
  PinPolicyUpdate,
  PinStatus,
  Webhook,
  WebhookDelivery,
  WebhookDeliveryList,
  WebhookList,
  WebhookTest,
  WebhookUpdate,
} from "./types.js";

/** A policy and the ETag of its version, to be sent back with an update. The ETag is null where a proxy hides it. */
export interface VersionedPinPolicy {
  readonly policy: PinPolicy;
  readonly etag: string | null;
}

/** What can be said of a link. */
export type LinkOptions = CallOptions & {
  /** After how many seconds it expires. */
  readonly expiresInSeconds?: number;
};

/** What a request for a link says. */
export function lifeOf({ expiresInSeconds }: LinkOptions) {
  return expiresInSeconds === undefined ? {} : { expires_in_seconds: expiresInSeconds };
}

/** Which page of a list is wanted. */
export type NumberedPageOptions = CallOptions & {
  /** The first page is 1. */
  readonly page?: number;
  /** How many entries a page has at most: 1 to 100, 20 when absent. */
  readonly perPage?: number;
};

/** What can be said of freezing. */
export type FreezeOptions = CallOptions & {
  /** Why, for people: at most 200 characters. */
  readonly reason?: string;
};

/**
 * What tenant admins, their dashboards and customers call. Each method is one operation of the contract, under its
 * operationId. Reads are repeated after a lost answer; everything else is sent again only after an answer that says
 * that nothing was done.
 */
export class Admin {
  readonly #transport: Transport;

  constructor(options: ClientOptions) {
    this.#transport = new Transport(options);
  }

  /**
   * A client for the server at HYDRAPIN_URL with the key HYDRAPIN_API_KEY or the token HYDRAPIN_TOKEN. Each can also be
   * in a file, named by HYDRAPIN_API_KEY_FILE and so on.
   */
  static fromEnv(options: CommonOptions = {}): Admin {
    return new Admin({ ...options, ...adminSettings() });
  }

  /** Returns whether a customer has a PIN, and whether it is active or locked. */
  async getCustomerPinStatus(customerId: string, options?: CallOptions): Promise<PinStatus> {
    return await this.#call("getCustomerPinStatus", { path: customer(customerId) }, options);
  }

  /** Sets a customer's PIN, or replaces it. Lifts a lock and a deactivation. */
  async setCustomerPin(customerId: string, pin: string | Secret, options?: CallOptions): Promise<PinStatus> {
    return await this.#call("setCustomerPin", { path: customer(customerId), body: { pin: reveal(pin) } }, options);
  }

  /** Removes a customer's PIN. Removing one that is not set is no error. */
  async removeCustomerPin(customerId: string, options?: CallOptions): Promise<void> {
    await this.#call("removeCustomerPin", { path: customer(customerId) }, options);
  }

  /** Lifts the lock and the deactivation of a customer's PIN. */
  async unlockCustomerPin(customerId: string, options?: CallOptions): Promise<PinStatus> {
    return await this.#call("unlockCustomerPin", { path: customer(customerId) }, options);
  }

  /** Deactivates a customer's PIN, as too many incorrect attempts do, until an admin unlocks or replaces it. */
  async deactivateCustomerPin(customerId: string, options?: CallOptions): Promise<PinStatus> {
    return await this.#call("deactivateCustomerPin", { path: customer(customerId) }, options);
  }

  /** Deactivates an identity's PIN, as too many incorrect attempts do, until an admin unlocks or replaces it. */
  async deactivateIdentityPin(instanceId: string, identityId: string, options?: CallOptions): Promise<PinStatus> {
    return await this.#call("deactivateIdentityPin", { path: identity(instanceId, identityId) }, options);
  }

  /** Returns a page of the holders that the server knows: customers, then the identities of each instance. */
  async listPins(filter: PinFilter = {}, options: NumberedPageOptions = {}): Promise<PinList> {
    const { status, setBy, holderType, instanceId } = filter;
    const query = {
      ...(status === undefined ? {} : { status }),
      ...(setBy === undefined ? {} : { set_by: setBy }),
      ...(holderType === undefined ? {} : { holder_type: holderType }),
      ...(instanceId === undefined ? {} : { instance_id: uuid(instanceId, "instanceId") }),
      ...pageOf(options),
    };
    return await this.#call("listPins", { query }, options);
  }

  /** The holders, page by page: `for await (const pin of admin.pins({ status: "locked" }))`. It reaches the first 10,000. */
  pins(filter: PinFilter = {}, options: CallOptions = {}): AsyncGenerator<HolderPin, void, undefined> {
    return numbered(async (page) => {
      const list = await this.listPins(filter, { ...options, ...page });
      return { items: list.pins, pages: list.total_pages };
    });
  }

  /** Returns a page of the audit trail, the oldest event first, or with `order: "desc"` the newest. */
  async listPinEvents(filter: PinEventFilter = {}, options?: CallOptions): Promise<PinEventList> {
    return await this.#call("listPinEvents", { query: { ...filter } }, options);
  }

  /** The events, page by page: `for await (const event of admin.pinEvents({ type: "pin.locked" }))`. */
  async *pinEvents(
    filter: Omit<PinEventFilter, "after"> = {},
    options?: CallOptions,
  ): AsyncGenerator<PinEvent, void, undefined> {
    let after: string | null = null;
    do {
      const page: PinEventList = await this.listPinEvents(after === null ? filter : { ...filter, after }, options);
      yield* page.events;
      if (page.next === after && after !== null)
        throw new UnexpectedAnswerError("The list leads back to the same page.");
      after = page.next;
    } while (after !== null);
  }

  /** Returns one event by its index, with what the audit trail hashes of it. */
  async getPinEvent(index: number, options?: CallOptions): Promise<PinEventLeaf> {
    return await this.#call("getPinEvent", { path: { index: String(index) } }, options);
  }

  /** Returns the signed head of the audit trail, a C2SP checkpoint. */
  async getPinEventCheckpoint(options?: CallOptions): Promise<string> {
    return await this.#call("getPinEventCheckpoint", {}, options);
  }

  /** Returns the proof that an event is in the trail of a size, or of the newest one. */
  async getPinEventProof(index: number, options: CallOptions & { readonly size?: number } = {}): Promise<PinEventProof> {
    const query = options.size === undefined ? {} : { size: options.size };
    return await this.#call("getPinEventProof", { path: { index: String(index) }, query }, options);
  }

  /** Returns the proof that the trail of one size is the beginning of that of another, or of the newest one. */
  async getPinEventConsistency(
    from: number,
    options: CallOptions & { readonly to?: number } = {},
  ): Promise<PinEventConsistency> {
    const query = { from, ...(options.to === undefined ? {} : { to: options.to }) };
    return await this.#call("getPinEventConsistency", { query }, options);
  }

  /** Returns a page of the tenant's keys, the oldest first, expired and revoked ones too. */
  async listApiKeys(options: NumberedPageOptions = {}): Promise<ApiKeyList> {
    return await this.#call("listApiKeys", { query: pageOf(options) }, options);
  }

  /** The keys, page by page: `for await (const key of admin.apiKeys())`. It reaches the first 10,000. */
  apiKeys(options: CallOptions = {}): AsyncGenerator<ApiKey, void, undefined> {
    return numbered(async (page) => {
      const list = await this.listApiKeys({ ...options, ...page });
      return { items: list.api_keys, pages: list.total_pages };
    });
  }

  /**
   * Creates a key: with `scopes` an API key, with `instance_id` a runtime key. An API key creates only API keys, none
   * with a scope that it lacks or a later expiry. Not sent again after a lost answer: {@link apiKeys} shows what there is.
   */
  async createApiKey(key: NewApiKey, options?: CallOptions): Promise<CreatedApiKey> {
    return await this.#call("createApiKey", { body: key }, options);
  }

  /** Revokes a key for good, with every key that was created with it. Revoking one again is no error. */
  async revokeApiKey(apiKeyId: string, options?: CallOptions): Promise<void> {
    await this.#call("revokeApiKey", { path: { api_key_id: apiKeyId } }, options);
  }

  /** Returns which skills of an instance need a PIN, for which roles, and how long one PIN lasts. */
  async getPinPolicy(instanceId: string, options?: CallOptions): Promise<VersionedPinPolicy> {
    const { data, response } = await this.#transport.call("getPinPolicy", { path: instance(instanceId) }, options);
    return { policy: data, etag: response.headers.get("ETag") };
  }

  /**
   * Changes the fields of a policy that are given. With `ifMatch`, the ETag that was read, a change that somebody else
   * made in between is a PreconditionFailedError and is not overwritten.
   */
  async updatePinPolicy(
    instanceId: string,
    update: PinPolicyUpdate,
    options: CallOptions & { readonly ifMatch?: string } = {},
  ): Promise<VersionedPinPolicy> {
    const header = options.ifMatch === undefined ? {} : { "If-Match": options.ifMatch };
    const sent = { path: instance(instanceId), header, body: update };
    const { data, response } = await this.#transport.call("updatePinPolicy", sent, options);
    return { policy: data, etag: response.headers.get("ETag") };
  }

  /** Returns whether a channel identity of an instance has a PIN, and whether it is active or locked. */
  async getIdentityPinStatus(instanceId: string, identityId: string, options?: CallOptions): Promise<PinStatus> {
    return await this.#call("getIdentityPinStatus", { path: identity(instanceId, identityId) }, options);
  }

  /** Removes an identity's PIN. Removing one that is not set is no error. */
  async removeIdentityPin(instanceId: string, identityId: string, options?: CallOptions): Promise<void> {
    await this.#call("removeIdentityPin", { path: identity(instanceId, identityId) }, options);
  }

  /** Lifts the lock, the deactivation and the cooling-off period of an identity's PIN. */
  async unlockIdentityPin(instanceId: string, identityId: string, options?: CallOptions): Promise<PinStatus> {
    return await this.#call("unlockIdentityPin", { path: identity(instanceId, identityId) }, options);
  }

  /** Returns whether the tenant is frozen, since when, by whom, and why. */
  async getTenantFreeze(options?: CallOptions): Promise<Freeze> {
    return await this.#call("getTenantFreeze", {}, options);
  }

  /**
   * Freezes the tenant: until it is lifted, nothing that needs a PIN is asked, verified or redeemed on any instance.
   * What was approved and not redeemed is declined, and sessions end. Freezing again changes nothing.
   */
  async setTenantFreeze(options: FreezeOptions = {}): Promise<Freeze> {
    return await this.#call("setTenantFreeze", { body: reasonOf(options) }, options);
  }

  /** Lifts the freeze of the tenant. Lifting one that is not there is no error. */
  async liftTenantFreeze(options?: CallOptions): Promise<void> {
    await this.#call("liftTenantFreeze", {}, options);
  }

  /** Returns whether an instance is frozen. A freeze of the whole tenant is not shown here. */
  async getInstanceFreeze(instanceId: string, options?: CallOptions): Promise<Freeze> {
    return await this.#call("getInstanceFreeze", { path: instance(instanceId) }, options);
  }

  /** Freezes one instance, as {@link setTenantFreeze} freezes all of them. */
  async setInstanceFreeze(instanceId: string, options: FreezeOptions = {}): Promise<Freeze> {
    return await this.#call("setInstanceFreeze", { path: instance(instanceId), body: reasonOf(options) }, options);
  }

  /** Lifts the freeze of an instance. Lifting one that is not there is no error. */
  async liftInstanceFreeze(instanceId: string, options?: CallOptions): Promise<void> {
    await this.#call("liftInstanceFreeze", { path: instance(instanceId) }, options);
  }

  /** Returns whether the customer whose token this is has a PIN. */
  async getMyPinStatus(options?: CallOptions): Promise<PinStatus> {
    return await this.#call("getMyPinStatus", {}, options);
  }

  /** Makes a link with which the customer chooses their PIN, once. Send its address by a channel of your own, never through a model. */
  async createCustomerPinLink(customerId: string, options: LinkOptions = {}): Promise<PinLink> {
    return await this.#call("createCustomerPinLink", { path: customer(customerId), body: lifeOf(options) }, options);
  }

  /** Ends the live links. */
  async endCustomerPinLinks(customerId: string, options?: CallOptions): Promise<void> {
    await this.#call("endCustomerPinLinks", { path: customer(customerId) }, options);
  }

  /** Makes a link with which the identity chooses its PIN, once. Send its address by a channel of your own, never through a model. */
  async createIdentityPinLink(instanceId: string, identityId: string, options: LinkOptions = {}): Promise<PinLink> {
    return await this.#call(
      "createIdentityPinLink",
      { path: identity(instanceId, identityId), body: lifeOf(options) },
      options,
    );
  }

  /** Ends the live links. */
  async endIdentityPinLinks(instanceId: string, identityId: string, options?: CallOptions): Promise<void> {
    await this.#call("endIdentityPinLinks", { path: identity(instanceId, identityId) }, options);
  }

  /** Sets or replaces the PIN of the customer whose token this is. A PIN that is set must be given as `currentPin`. */
  async setMyPin(
    pin: string | Secret,
    options: CallOptions & { readonly currentPin?: string | Secret } = {},
  ): Promise<PinStatus> {
    const { currentPin } = options;
    const current = currentPin === undefined ? {} : { current_pin: reveal(currentPin) };
    return await this.#call("setMyPin", { body: { pin: reveal(pin), ...current } }, options);
  }

  /** Returns a page of the tenant's webhooks, the oldest first. */
  async listWebhooks(options: NumberedPageOptions = {}): Promise<WebhookList> {
    return await this.#call("listWebhooks", { query: pageOf(options) }, options);
  }

  /** The webhooks, page by page: `for await (const webhook of admin.webhooks())`. */
  webhooks(options: CallOptions = {}): AsyncGenerator<Webhook, void, undefined> {
    return numbered(async (page) => {
      const list = await this.listWebhooks({ ...options, ...page });
      return { items: list.webhooks, pages: list.total_pages };
    });
  }

  /**
   * Creates a webhook: events are sent to its URL from now on. Pass its secret to {@link verifyWebhook}. Not sent again
   * after a lost answer: {@link webhooks} shows what there is.
   */
  async createWebhook(webhook: NewWebhook, options?: CallOptions): Promise<CreatedWebhook> {
    return await this.#call("createWebhook", { body: webhook }, options);
  }

  /** Returns a webhook, without its secret. */
  async getWebhook(webhookId: string, options?: CallOptions): Promise<Webhook> {
    return await this.#call("getWebhook", { path: webhookOf(webhookId) }, options);
  }

  /** Changes the fields of a webhook that are given. */
  async updateWebhook(webhookId: string, update: WebhookUpdate, options?: CallOptions): Promise<Webhook> {
    return await this.#call("updateWebhook", { path: webhookOf(webhookId), body: update }, options);
  }

  /** Deletes a webhook. Nothing more is sent to it. */
  async deleteWebhook(webhookId: string, options?: CallOptions): Promise<void> {
    await this.#call("deleteWebhook", { path: webhookOf(webhookId) }, options);
  }

  /** Gives a webhook a new secret. For 24 hours the old one signs too. */
  async rotateWebhookSecret(webhookId: string, options?: CallOptions): Promise<CreatedWebhook> {
    return await this.#call("rotateWebhookSecret", { path: webhookOf(webhookId) }, options);
  }

  /** Has an event of the type `webhook.tested` sent to a webhook, whatever its events. */
  async testWebhook(webhookId: string, options?: CallOptions): Promise<WebhookTest> {
    return await this.#call("testWebhook", { path: webhookOf(webhookId) }, options);
  }

  /** Returns a page of the deliveries of a webhook, those of the newest events first. */
  async listWebhookDeliveries(
    webhookId: string,
    filter: { readonly status?: WebhookDelivery["status"] } = {},
    options: NumberedPageOptions = {},
  ): Promise<WebhookDeliveryList> {
    const query = { ...(filter.status === undefined ? {} : { status: filter.status }), ...pageOf(options) };
    return await this.#call("listWebhookDeliveries", { path: webhookOf(webhookId), query }, options);
  }

  /** The deliveries of a webhook, page by page. It reaches the first 10,000. */
  webhookDeliveries(
    webhookId: string,
    filter: { readonly status?: WebhookDelivery["status"] } = {},
    options: CallOptions = {},
  ): AsyncGenerator<WebhookDelivery, void, undefined> {
    return numbered(async (page) => {
      const list = await this.listWebhookDeliveries(webhookId, filter, { ...options, ...page });
      return { items: list.deliveries, pages: list.total_pages };
    });
  }

  /** Has a delivery tried again now, whatever became of it before. */
  async retryWebhookDelivery(deliveryId: string, options?: CallOptions): Promise<WebhookDelivery> {
    const path = { delivery_id: uuid(deliveryId, "deliveryId") };
    return await this.#call("retryWebhookDelivery", { path }, options);
  }

  async #call<Id extends OperationId>(id: Id, sent: Sent, options?: CallOptions): Promise<AnswerOf<Id>> {
    return (await this.#transport.call(id, sent, options)).data;
  }
}

function reasonOf({ reason }: FreezeOptions) {
  return reason === undefined ? {} : { reason };
}

function pageOf({ page, perPage }: NumberedPageOptions) {
  return { ...(page === undefined ? {} : { page }), ...(perPage === undefined ? {} : { per_page: perPage }) };
}

/** Reads a list whose pages have numbers. A page without entries is the last, whatever the server says. */
async function* numbered<T>(
  fetch: (page: { page: number; perPage: number }) => Promise<{ items: readonly T[]; pages: number }>,
): AsyncGenerator<T, void, undefined> {
  for (let page = 1; ; page++) {
    const { items, pages } = await fetch({ page, perPage: 100 });
    yield* items;
    if (items.length === 0 || page >= pages) return;
  }
}

function webhookOf(webhookId: string) {
  return { webhook_id: uuid(webhookId, "webhookId") };
}

function customer(customerId: string) {
  return { customer_id: uuid(customerId, "customerId") };
}

function instance(instanceId: string) {
  return { instance_id: uuid(instanceId, "instanceId") };
}

function identity(instanceId: string, identityId: string) {
  return { ...instance(instanceId), identity_id: uuid(identityId, "identityId") };
}
