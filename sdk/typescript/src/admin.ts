import type { AnswerOf, OperationId } from "./operations.js";
import { reveal, type Secret } from "./secret.js";
import { Transport, uuid, type CallOptions, type ClientOptions, type Sent } from "./transport.js";
import type {
  Freeze,
  PinEvent,
  PinEventConsistency,
  PinEventLeaf,
  PinEventList,
  PinEventProof,
  PinLink,
  PinPolicy,
  PinPolicyUpdate,
  PinStatus,
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

/** What can be said of freezing. */
export type FreezeOptions = CallOptions & {
  /** Why, for people: at most 200 characters. */
  readonly reason?: string;
};

/** Which events of the audit trail. */
export interface EventFilter {
  readonly type?: string;
  readonly customerId?: string;
  readonly identityId?: string;
  readonly instanceId?: string;
  readonly confirmationId?: string;
  /** The id of a key, or the subject of a token. */
  readonly actor?: string;
  /** The time of the earliest event. */
  readonly from?: Date;
  /** A time after the latest event. */
  readonly to?: Date;
  /** Whether the oldest event comes first, which is the default, or the newest. */
  readonly order?: "asc" | "desc";
}

/** What can be said of a page of events. */
export type EventPageOptions = CallOptions & {
  /** How many events the page has at most: 1 to 500, 100 when absent. */
  readonly limit?: number;
  /** The `next` of the page before. */
  readonly after?: string;
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

  /** Returns a page of the audit trail. It may be short, or empty, although it has a `next`. */
  async listPinEvents(filter: EventFilter = {}, options: EventPageOptions = {}): Promise<PinEventList> {
    const { limit, after } = options;
    const query = {
      ...eventsOf(filter),
      ...(limit === undefined ? {} : { limit }),
      ...(after === undefined ? {} : { after }),
    };
    return await this.#call("listPinEvents", { query }, options);
  }

  /** All events of the audit trail, page by page: `for await (const e of admin.events())`. */
  async *events(
    filter: EventFilter = {},
    options: Omit<EventPageOptions, "after"> = {},
  ): AsyncGenerator<PinEvent, void, undefined> {
    let after: string | null = null;
    let last: string | null;
    do {
      last = after;
      const page: PinEventList = await this.listPinEvents(filter, { ...options, ...(after === null ? {} : { after }) });
      yield* page.events;
      after = page.next;
      // A server that sends the same place again would be asked for ever.
    } while (after !== null && after !== last);
  }

  /** Returns one event of the audit trail, with its leaf in the Merkle tree. */
  async getPinEvent(index: number, options?: CallOptions): Promise<PinEventLeaf> {
    return await this.#call("getPinEvent", { path: { index: String(index) } }, options);
  }

  /** Returns the signed head of the audit trail. Keep it somewhere else: a later change of its events is then found. */
  async getPinEventCheckpoint(options?: CallOptions): Promise<string> {
    return await this.#call("getPinEventCheckpoint", {}, options);
  }

  /** Returns the proof that an event is in the tree of the first `size` events, or of all. */
  async getPinEventProof(
    index: number,
    options: CallOptions & { readonly size?: number } = {},
  ): Promise<PinEventProof> {
    const { size } = options;
    return await this.#call(
      "getPinEventProof",
      { path: { index: String(index) }, ...(size === undefined ? {} : { query: { size } }) },
      options,
    );
  }

  /** Returns the proof that the tree of the first `to` events, or of all, begins with that of the first `from`. */
  async getPinEventConsistency(
    from: number,
    options: CallOptions & { readonly to?: number } = {},
  ): Promise<PinEventConsistency> {
    const { to } = options;
    return await this.#call("getPinEventConsistency", { query: { from, ...(to === undefined ? {} : { to }) } }, options);
  }

  async #call<Id extends OperationId>(id: Id, sent: Sent, options?: CallOptions): Promise<AnswerOf<Id>> {
    return (await this.#transport.call(id, sent, options)).data;
  }
}

function reasonOf({ reason }: FreezeOptions) {
  return reason === undefined ? {} : { reason };
}

function eventsOf({ type, customerId, identityId, instanceId, confirmationId, actor, from, to, order }: EventFilter) {
  return {
    ...(type === undefined ? {} : { type }),
    ...(customerId === undefined ? {} : { customer_id: uuid(customerId, "customerId") }),
    ...(identityId === undefined ? {} : { identity_id: uuid(identityId, "identityId") }),
    ...(instanceId === undefined ? {} : { instance_id: uuid(instanceId, "instanceId") }),
    ...(confirmationId === undefined ? {} : { confirmation_id: uuid(confirmationId, "confirmationId") }),
    ...(actor === undefined ? {} : { actor }),
    ...(from === undefined ? {} : { from: from.toISOString() }),
    ...(to === undefined ? {} : { to: to.toISOString() }),
    ...(order === undefined ? {} : { order }),
  };
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
