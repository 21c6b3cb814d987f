import { canonicalParams } from "./canonical.js";
import { UnexpectedAnswerError, contextOf } from "./errors.js";
import { guard, type Grant, type GuardOptions } from "./guard.js";
import type { components } from "./schema.js";
import { isConfirmation, isNothing, isPinStatus } from "./shapes.js";
import { Transport, uuid, type Answer, type CallOptions, type ClientOptions } from "./transport.js";
import type { Confirmation, Holder, PinStatus, Question, Redemption } from "./types.js";

/** What a runtime's client needs: its credential is the runtime key of that instance. */
export type RuntimeOptions = ClientOptions & {
  /** The agent instance; the key opens this one and no other. */
  readonly instanceId: string;
};

/** What can be said of reading a confirmation. */
export type WaitOptions = CallOptions & {
  /** How many whole seconds, 0 to 30, to wait at most for it to leave `pending`. */
  readonly waitSeconds?: number;
};

/** What an agent's runtime calls for its own instance. None of it may be offered to a model as a tool. */
export class HydrapinRuntime {
  readonly #transport: Transport;
  readonly #instance: string;

  constructor(options: RuntimeOptions) {
    this.#transport = new Transport(options);
    this.#instance = uuid(options.instanceId, "instanceId");
  }

  /**
   * Runs the function only when the person confirmed, and returns what it returns. The way to use hydrapin:
   * it asks, waits for the holder, redeems, and runs. Every other answer and every fault is an error, and the function
   * does not run: BlockedError, NotConfirmedError, or what the failed call threw.
   *
   * The function is given the params that were confirmed, frozen: act on those, not on an object that may have changed.
   */
  guard<T>(question: Question, fn: (grant: Grant) => T | Promise<T>, options: GuardOptions = {}): Promise<T> {
    return guard(
      {
        ask: (q, o) => this.#ask(q, o),
        wait: (id, waitSeconds, o) => this.#get(id, { ...o, waitSeconds }),
        redeem: (id, redemption, o) => this.#redeem(id, redemption, o),
        decline: (id, o) => this.declineConfirmation(id, o),
      },
      question,
      fn,
      options,
    );
  }

  /** Asks what must happen before a skill may run. Repeated by itself only with an idempotency key. */
  async askConfirmation(question: Question, options?: CallOptions): Promise<Confirmation> {
    return (await this.#ask(question, options)).data;
  }

  /** Reads a confirmation, or waits for its outcome. The time of the wait is added to the timeout. */
  async getConfirmation(confirmationId: string, options?: WaitOptions): Promise<Confirmation> {
    return (await this.#get(confirmationId, options)).data;
  }

  /** Compares a PIN; a wrong one is a WrongPinError. Never repeated by itself: each call spends an attempt. */
  async verifyConfirmation(confirmationId: string, pin: string, options?: CallOptions): Promise<Confirmation> {
    const path = this.#confirmation(confirmationId);
    const answer = await this.#transport.call(
      {
        expect: [200],
        whole: isConfirmation,
        repeatable: false,
        send: (http, init) =>
          http.POST("/internal/v1/instances/{instance_id}/confirmations/{confirmation_id}/verify", {
            params: { path },
            body: { pin },
            ...init,
          }),
      },
      options,
    );
    return ofThis(answer, confirmationId, "approved").data;
  }

  /**
   * Uses up an approval, at the moment the skill runs. Never repeated by itself: when the answer is lost, the skill
   * does not run. Only an answer whose status is `redeemed` lets it run; {@link guard} sees to that.
   */
  async redeemConfirmation(
    confirmationId: string,
    redemption: Redemption,
    options?: CallOptions,
  ): Promise<Confirmation> {
    return (await this.#redeem(confirmationId, redemption, options)).data;
  }

  /** Ends a pending or approved confirmation; declining it again is no error. */
  async declineConfirmation(confirmationId: string, options?: CallOptions): Promise<void> {
    const path = this.#confirmation(confirmationId);
    await this.#transport.call(
      {
        expect: [204],
        whole: isNothing,
        repeatable: true,
        send: (http, init) =>
          http.DELETE("/internal/v1/instances/{instance_id}/confirmations/{confirmation_id}", {
            params: { path },
            ...init,
          }),
      },
      options,
    );
  }

  /** "Lock now": ends a holder's sessions on this instance and every approval that was not yet redeemed. */
  async endPinSessions(holder: Holder, options?: CallOptions): Promise<void> {
    const path = { instance_id: this.#instance };
    const query = holderOf(holder);
    await this.#transport.call(
      {
        expect: [204],
        whole: isNothing,
        repeatable: true,
        send: (http, init) =>
          http.DELETE("/internal/v1/instances/{instance_id}/pin-sessions", { params: { path, query }, ...init }),
      },
      options,
    );
  }

  /** Tells whether a channel identity has a PIN, and whether it is active or locked. */
  async getPinStatus(identityId: string, options?: CallOptions): Promise<PinStatus> {
    const path = this.#identity(identityId);
    const answer = await this.#transport.call(
      {
        expect: [200],
        whole: isPinStatus,
        repeatable: true,
        send: (http, init) =>
          http.GET("/internal/v1/instances/{instance_id}/identities/{identity_id}/pin", { params: { path }, ...init }),
      },
      options,
    );
    return answer.data;
  }

  /** Sets an identity's first PIN, or replaces it when `currentPin` is right, which spends an attempt. Never repeated by itself. */
  async setPin(
    identityId: string,
    pin: string,
    options: CallOptions & { readonly currentPin?: string } = {},
  ): Promise<PinStatus> {
    const path = this.#identity(identityId);
    const body = options.currentPin === undefined ? { pin } : { pin, current_pin: options.currentPin };
    const answer = await this.#transport.call(
      {
        expect: [200],
        whole: isPinStatus,
        repeatable: false,
        send: (http, init) =>
          http.POST("/internal/v1/instances/{instance_id}/identities/{identity_id}/pin", {
            params: { path },
            body,
            ...init,
          }),
      },
      options,
    );
    return answer.data;
  }

  /** Removes an identity's PIN; what wrong guesses have cost outlives it. Never repeated by itself. */
  async removePin(identityId: string, options?: CallOptions): Promise<void> {
    const path = this.#identity(identityId);
    await this.#transport.call(
      {
        expect: [204],
        whole: isNothing,
        repeatable: false,
        send: (http, init) =>
          http.DELETE("/internal/v1/instances/{instance_id}/identities/{identity_id}/pin", {
            params: { path },
            ...init,
          }),
      },
      options,
    );
  }

  async #ask(question: Question, options?: CallOptions): Promise<Answer<Confirmation>> {
    const path = { instance_id: this.#instance };
    holderOf(question);
    const { action } = question;
    if (action) canonicalParams(action.params);
    // The generator makes a field with a default a required one; the server does not.
    const body = question as components["schemas"]["AskConfirmation"];
    return this.#transport.call(
      {
        expect: [200, 201],
        whole: isConfirmation,
        repeatable: question.idempotency_key !== undefined,
        send: (http, init) =>
          http.POST("/internal/v1/instances/{instance_id}/confirmations", { params: { path }, body, ...init }),
      },
      options,
    );
  }

  async #get(confirmationId: string, options: WaitOptions = {}): Promise<Answer<Confirmation>> {
    const path = this.#confirmation(confirmationId);
    const { waitSeconds = 0 } = options;
    const query = waitSeconds > 0 ? { wait_seconds: waitSeconds } : {};
    const answer = await this.#transport.call(
      {
        expect: [200],
        whole: isConfirmation,
        repeatable: true,
        waitSeconds,
        send: (http, init) =>
          http.GET("/internal/v1/instances/{instance_id}/confirmations/{confirmation_id}", {
            params: { path, query },
            ...init,
          }),
      },
      options,
    );
    return ofThis(answer, confirmationId);
  }

  async #redeem(confirmationId: string, redemption: Redemption, options?: CallOptions): Promise<Answer<Confirmation>> {
    const path = this.#confirmation(confirmationId);
    if (redemption.params) canonicalParams(redemption.params);
    const answer = await this.#transport.call(
      {
        expect: [200],
        whole: isConfirmation,
        repeatable: false,
        send: (http, init) =>
          http.POST("/internal/v1/instances/{instance_id}/confirmations/{confirmation_id}/redeem", {
            params: { path },
            body: redemption,
            ...init,
          }),
      },
      options,
    );
    return ofThis(answer, confirmationId, "redeemed");
  }

  #confirmation(id: string) {
    return { instance_id: this.#instance, confirmation_id: uuid(id, "confirmationId") };
  }

  #identity(id: string) {
    return { instance_id: this.#instance, identity_id: uuid(id, "identityId") };
  }
}

/** Refuses the answer of another confirmation, or of another outcome than the one that the status of success means. */
function ofThis(answer: Answer<Confirmation>, id: string, status?: Confirmation["status"]): Answer<Confirmation> {
  const { data, response } = answer;
  if (data.id !== id.toLowerCase())
    throw new UnexpectedAnswerError("The answer is of another confirmation.", contextOf(response));
  if (status && data.status !== status)
    throw new UnexpectedAnswerError(`The answer's status is not ${status}.`, contextOf(response));
  return answer;
}

/** The holder alone, after a look that it is exactly one. */
function holderOf(holder: Holder): { customer_id: string } | { identity_id: string } {
  const { customer_id, identity_id } = holder;
  if ((customer_id === undefined) === (identity_id === undefined))
    throw new TypeError("give exactly one of customer_id and identity_id");
  return customer_id !== undefined
    ? { customer_id: uuid(customer_id, "customer_id") }
    : { identity_id: uuid(identity_id as string, "identity_id") };
}
