import { isNothing, isPinPolicy, isPinStatus } from "./shapes.js";
import { Transport, uuid, type CallOptions, type ClientOptions } from "./transport.js";
import type { PinPolicy, PinPolicyUpdate, PinStatus } from "./types.js";

/** A policy and the ETag of its version, to be sent back with an update. The ETag is null where a proxy hides it. */
export interface VersionedPinPolicy {
  readonly policy: PinPolicy;
  readonly etag: string | null;
}

/** What tenant admins, their dashboards and customers call. */
export class HydrapinClient {
  readonly #transport: Transport;

  constructor(options: ClientOptions) {
    this.#transport = new Transport(options);
  }

  /** Tells whether a customer has a PIN, and whether it is active or locked. */
  async getCustomerPinStatus(customerId: string, options?: CallOptions): Promise<PinStatus> {
    const path = { customer_id: uuid(customerId, "customerId") };
    const answer = await this.#transport.call(
      {
        expect: [200],
        whole: isPinStatus,
        repeatable: true,
        send: (http, init) => http.GET("/v1/customers/{customer_id}/pin", { params: { path }, ...init }),
      },
      options,
    );
    return answer.data;
  }

  /** Sets a customer's PIN, or replaces it like a reset. Never repeated by itself. */
  async setCustomerPin(customerId: string, pin: string, options?: CallOptions): Promise<PinStatus> {
    const path = { customer_id: uuid(customerId, "customerId") };
    const answer = await this.#transport.call(
      {
        expect: [200],
        whole: isPinStatus,
        repeatable: false,
        send: (http, init) =>
          http.POST("/v1/customers/{customer_id}/pin", { params: { path }, body: { pin }, ...init }),
      },
      options,
    );
    return answer.data;
  }

  /** Removes a customer's PIN; removing what is not there is no error. Never repeated by itself. */
  async removeCustomerPin(customerId: string, options?: CallOptions): Promise<void> {
    const path = { customer_id: uuid(customerId, "customerId") };
    await this.#transport.call(
      {
        expect: [204],
        whole: isNothing,
        repeatable: false,
        send: (http, init) => http.DELETE("/v1/customers/{customer_id}/pin", { params: { path }, ...init }),
      },
      options,
    );
  }

  /** Lifts lock and deactivation of a customer's PIN. Never repeated by itself. */
  async unlockCustomerPin(customerId: string, options?: CallOptions): Promise<PinStatus> {
    const path = { customer_id: uuid(customerId, "customerId") };
    const answer = await this.#transport.call(
      {
        expect: [200],
        whole: isPinStatus,
        repeatable: false,
        send: (http, init) => http.POST("/v1/customers/{customer_id}/pin/unlock", { params: { path }, ...init }),
      },
      options,
    );
    return answer.data;
  }

  /** Tells which skills of an instance need a PIN, for which roles, and how long one PIN lasts. */
  async getPinPolicy(instanceId: string, options?: CallOptions): Promise<VersionedPinPolicy> {
    const path = { instance_id: uuid(instanceId, "instanceId") };
    const { data, response } = await this.#transport.call(
      {
        expect: [200],
        whole: isPinPolicy,
        repeatable: true,
        send: (http, init) => http.GET("/v1/instances/{instance_id}/pin-policy", { params: { path }, ...init }),
      },
      options,
    );
    return { policy: data, etag: response.headers.get("ETag") };
  }

  /**
   * Changes the fields of a policy that are given. With `ifMatch`, the ETag that was read, an update of somebody else
   * in between is a PreconditionFailedError instead of being overwritten. Never repeated by itself.
   */
  async updatePinPolicy(
    instanceId: string,
    update: PinPolicyUpdate,
    options: CallOptions & { readonly ifMatch?: string } = {},
  ): Promise<VersionedPinPolicy> {
    const path = { instance_id: uuid(instanceId, "instanceId") };
    const header = options.ifMatch === undefined ? {} : { "If-Match": options.ifMatch };
    const { data, response } = await this.#transport.call(
      {
        expect: [200],
        whole: isPinPolicy,
        repeatable: false,
        send: (http, init) =>
          http.PATCH("/v1/instances/{instance_id}/pin-policy", { params: { path, header }, body: update, ...init }),
      },
      options,
    );
    return { policy: data, etag: response.headers.get("ETag") };
  }

  /** Tells whether a channel identity of an instance has a PIN, and whether it is active or locked. */
  async getIdentityPinStatus(instanceId: string, identityId: string, options?: CallOptions): Promise<PinStatus> {
    const path = identityPath(instanceId, identityId);
    const answer = await this.#transport.call(
      {
        expect: [200],
        whole: isPinStatus,
        repeatable: true,
        send: (http, init) =>
          http.GET("/v1/instances/{instance_id}/identities/{identity_id}/pin", { params: { path }, ...init }),
      },
      options,
    );
    return answer.data;
  }

  /** Removes an identity's PIN; removing what is not there is no error. Never repeated by itself. */
  async removeIdentityPin(instanceId: string, identityId: string, options?: CallOptions): Promise<void> {
    const path = identityPath(instanceId, identityId);
    await this.#transport.call(
      {
        expect: [204],
        whole: isNothing,
        repeatable: false,
        send: (http, init) =>
          http.DELETE("/v1/instances/{instance_id}/identities/{identity_id}/pin", { params: { path }, ...init }),
      },
      options,
    );
  }

  /** Lifts lock, deactivation and cooling off of an identity's PIN. Never repeated by itself. */
  async unlockIdentityPin(instanceId: string, identityId: string, options?: CallOptions): Promise<PinStatus> {
    const path = identityPath(instanceId, identityId);
    const answer = await this.#transport.call(
      {
        expect: [200],
        whole: isPinStatus,
        repeatable: false,
        send: (http, init) =>
          http.POST("/v1/instances/{instance_id}/identities/{identity_id}/pin/unlock", { params: { path }, ...init }),
      },
      options,
    );
    return answer.data;
  }

  /** Tells the customer whose token this is whether they have a PIN. */
  async getMyPinStatus(options?: CallOptions): Promise<PinStatus> {
    const answer = await this.#transport.call(
      { expect: [200], whole: isPinStatus, repeatable: true, send: (http, init) => http.GET("/v1/me/pin", init) },
      options,
    );
    return answer.data;
  }
}

function identityPath(instanceId: string, identityId: string) {
  return { instance_id: uuid(instanceId, "instanceId"), identity_id: uuid(identityId, "identityId") };
}
