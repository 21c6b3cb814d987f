import { lifeOf, type LinkOptions } from "./admin.js";
import { canonicalParams } from "./canonical.js";
import { runtimeSettings } from "./environment.js";
import { UnexpectedAnswerError, contextOf } from "./errors.js";
import { guard, type Grant, type GuardOptions } from "./guard.js";
import type { AnswerOf, OperationId } from "./operations.js";
import { reveal, type Secret } from "./secret.js";
import {
  Transport,
  uuid,
  type Answer,
  type CallOptions,
  type ClientOptions,
  type CommonOptions,
  type Sent,
} from "./transport.js";
import type {
  Confirmation,
  ConfirmationFilter,
  ConfirmationList,
  Holder,
  Outcome,
  PinLink,
  PinPolicyDecision,
  PinStatus,
  Question,
  Redemption,
  Role,
} from "./types.js";

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

/** Which page of a list is read. */
export type PageOptions = CallOptions & {
  /** How many confirmations the page has at most: 1 to 100, 20 when absent. */
  readonly limit?: number;
  /** The `next` of the page before. */
  readonly after?: string;
};

/** What can be said of an outcome. */
export type OutcomeOptions = CallOptions & {
  /** A few words for people: at most 200 characters. */
  readonly detail?: string;
};

/**
 * What an agent's runtime calls for its own instance. Each method but `guard` is one operation of the contract, under
 * its operationId. None of it may be offered to a model as a tool.
 */
export class Runtime {
  readonly #transport: Transport;
  readonly #instance: string;

  constructor(options: RuntimeOptions) {
    this.#transport = new Transport(options);
    this.#instance = uuid(options.instanceId, "instanceId");
  }

  /**
   * A client for the server at HYDRAPIN_URL, with the key HYDRAPIN_RUNTIME_KEY of the instance HYDRAPIN_INSTANCE. Each
   * can also be in a file, named by HYDRAPIN_RUNTIME_KEY_FILE and so on.
   */
  static fromEnv(options: CommonOptions = {}): Runtime {
    return new Runtime({ ...options, ...runtimeSettings() });
  }

  /**
   * Runs the function only when the person confirmed, and returns what it returns. The way to use hydrapin: it asks,
   * waits for the person, redeems, runs, and reports the outcome. Every other end is a NotConfirmedError, and the function does not run.
   * Errors of the function pass unchanged.
   *
   * The function is given the params that were confirmed, frozen: act on those, not on an object that may have changed.
   */
  guard<T>(question: Question, fn: (grant: Grant) => T | Promise<T>, options: GuardOptions = {}): Promise<T> {
    const calls = {
      instanceId: this.#instance,
      ask: (q: Question, o: CallOptions) => this.#ask(q, o),
      wait: (id: string, waitSeconds: number, o: CallOptions) => this.#get(id, { ...o, waitSeconds }),
      redeem: (id: string, redemption: Redemption, o: CallOptions) => this.#redeem(id, redemption, o),
      decline: (id: string, o: CallOptions) => this.declineConfirmation(id, o),
      report: (id: string, outcome: Outcome, o: CallOptions) => this.reportOutcome(id, outcome, o),
    };
    return guard(calls, question, fn, options);
  }

  /**
   * Returns whether a skill would need a PIN now. Nothing is stored, and the answer holds for this moment only: to run a
   * skill use {@link guard}, which asks.
   */
  async getPinPolicyDecision(skill: string, role: Role, options?: CallOptions): Promise<PinPolicyDecision> {
    const sent = { path: this.#path(), query: { skill, role } };
    return (await this.#call("getPinPolicyDecision", sent, options)).data;
  }

  /** Returns a page of the confirmations that are pending or approved now, the newest first. */
  async listConfirmations(filter: ConfirmationFilter = {}, options: PageOptions = {}): Promise<ConfirmationList> {
    const { limit, after } = options;
    const query = {
      ...filterOf(filter),
      ...(limit === undefined ? {} : { limit }),
      ...(after === undefined ? {} : { after }),
    };
    return (await this.#call("listConfirmations", { path: this.#path(), query }, options)).data;
  }

  /** All open confirmations, page by page, the newest first: `for await (const c of runtime.confirmations())`. */
  async *confirmations(
    filter: ConfirmationFilter = {},
    options: Omit<PageOptions, "after"> = {},
  ): AsyncGenerator<Confirmation, void, undefined> {
    let after: string | null = null;
    do {
      const page: ConfirmationList = await this.listConfirmations(filter, {
        ...options,
        ...(after === null ? {} : { after }),
      });
      yield* page.confirmations;
      if (page.next === after && after !== null)
        throw new UnexpectedAnswerError("The list leads back to the same page.");
      after = page.next;
    } while (after !== null);
  }

  /** Asks whether a skill may run now. Sent again after a lost answer only with a key. */
  async askConfirmation(question: Question, options?: CallOptions): Promise<Confirmation> {
    return (await this.#ask(question, options)).data;
  }

  /** Reads a confirmation, or waits for its outcome. The time of the wait is added to the timeout. */
  async getConfirmation(confirmationId: string, options?: WaitOptions): Promise<Confirmation> {
    return (await this.#get(confirmationId, options)).data;
  }

  /** Compares a PIN; an incorrect one is a WrongPinError. Each call spends an attempt. */
  async verifyConfirmation(
    confirmationId: string,
    pin: string | Secret,
    options?: CallOptions,
  ): Promise<Confirmation> {
    const sent = { path: this.#confirmation(confirmationId), body: { pin: reveal(pin) } };
    return ofThis(await this.#call("verifyConfirmation", sent, options), confirmationId, "approved").data;
  }

  /**
   * Uses up an approval, at the moment the skill runs. When the answer is lost, the skill does not run. Only an answer
   * whose status is `redeemed` lets it run; {@link guard} sees to that.
   */
  async redeemConfirmation(
    confirmationId: string,
    redemption: Redemption,
    options?: CallOptions,
  ): Promise<Confirmation> {
    return (await this.#redeem(confirmationId, redemption, options)).data;
  }

  /**
   * Reports what became of the skill of a redeemed confirmation. `guard` does so by itself. The same outcome again is no
   * error; another one is an OutcomeAlreadySetError, except after `unknown`.
   */
  async reportOutcome(confirmationId: string, outcome: Outcome, options: OutcomeOptions = {}): Promise<Confirmation> {
    const { detail } = options;
    const body = detail === undefined ? { outcome } : { outcome, detail };
    const sent = { path: this.#confirmation(confirmationId), body };
    return ofThis(await this.#call("reportOutcome", sent, options), confirmationId, "redeemed").data;
  }

  /** Ends a pending or approved confirmation; declining it again is no error. */
  async declineConfirmation(confirmationId: string, options?: CallOptions): Promise<void> {
    await this.#call("declineConfirmation", { path: this.#confirmation(confirmationId) }, options);
  }

  /** "Lock now": ends a holder's sessions on this instance and every approval that was not yet redeemed. */
  async endPinSessions(holder: Holder, options?: CallOptions): Promise<void> {
    await this.#call("endPinSessions", { path: this.#path(), query: holderOf(holder) }, options);
  }

  /** Returns whether a channel identity has a PIN, and whether it is active or locked. */
  async runtimeGetPinStatus(identityId: string, options?: CallOptions): Promise<PinStatus> {
    return (await this.#call("runtimeGetPinStatus", { path: this.#identity(identityId) }, options)).data;
  }

  /** Sets an identity's first PIN, or replaces it when `currentPin` is correct, which spends an attempt. */
  async runtimeSetPin(
    identityId: string,
    pin: string | Secret,
    options: CallOptions & { readonly currentPin?: string | Secret } = {},
  ): Promise<PinStatus> {
    const { currentPin } = options;
    const current = currentPin === undefined ? {} : { current_pin: reveal(currentPin) };
    const sent = { path: this.#identity(identityId), body: { pin: reveal(pin), ...current } };
    return (await this.#call("runtimeSetPin", sent, options)).data;
  }

  /** Removes an identity's PIN; what incorrect PINs have cost outlives it. */
  async runtimeRemovePin(identityId: string, options?: CallOptions): Promise<void> {
    await this.#call("runtimeRemovePin", { path: this.#identity(identityId) }, options);
  }

  /** Makes a link with which the identity chooses its PIN, once. Send its address by a channel of your own, never through a model. */
  async runtimeCreatePinLink(identityId: string, options: LinkOptions = {}): Promise<PinLink> {
    return (
      await this.#call("runtimeCreatePinLink", { path: this.#identity(identityId), body: lifeOf(options) }, options)
    ).data;
  }

  /** Ends the live links. */
  async runtimeEndPinLinks(identityId: string, options?: CallOptions): Promise<void> {
    await this.#call("runtimeEndPinLinks", { path: this.#identity(identityId) }, options);
  }

  /** Returns the link of a pending confirmation as a QR code (SVG), for a person at another screen. */
  async getConfirmationQr(confirmationId: string, options?: CallOptions): Promise<string> {
    return (await this.#call("getConfirmationQr", { path: this.#confirmation(confirmationId) }, options)).data;
  }

  async #ask(question: Question, options?: CallOptions): Promise<Answer<Confirmation>> {
    holderOf(question);
    if (question.action) canonicalParams(question.action.params);
    if (question.idempotency_key !== undefined && question.call_key !== undefined)
      throw new TypeError("give at most one of idempotency_key and call_key");
    const repeatable = question.idempotency_key !== undefined || question.call_key !== undefined;
    return this.#call("askConfirmation", { path: this.#path(), body: question, repeatable }, options);
  }

  async #get(confirmationId: string, options: WaitOptions = {}): Promise<Answer<Confirmation>> {
    const { waitSeconds = 0 } = options;
    const query = waitSeconds > 0 ? { wait_seconds: waitSeconds } : {};
    const sent = { path: this.#confirmation(confirmationId), query, waitSeconds };
    return ofThis(await this.#call("getConfirmation", sent, options), confirmationId);
  }

  async #redeem(confirmationId: string, redemption: Redemption, options?: CallOptions): Promise<Answer<Confirmation>> {
    if (redemption.params) canonicalParams(redemption.params);
    const sent = { path: this.#confirmation(confirmationId), body: redemption };
    return ofThis(await this.#call("redeemConfirmation", sent, options), confirmationId, "redeemed");
  }

  async #call<Id extends OperationId>(id: Id, sent: Sent, options?: CallOptions): Promise<Answer<AnswerOf<Id>>> {
    return this.#transport.call(id, sent, options);
  }

  #path() {
    return { instance_id: this.#instance };
  }

  #confirmation(id: string) {
    return { ...this.#path(), confirmation_id: uuid(id, "confirmationId") };
  }

  #identity(id: string) {
    return { ...this.#path(), identity_id: uuid(id, "identityId") };
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

/** The filter's known members alone, after a look that it names at most one holder. */
function filterOf({ status, ...holder }: ConfirmationFilter): Record<string, string> {
  const one = holder.customer_id === undefined && holder.identity_id === undefined ? {} : holderOf(holder as Holder);
  return status === undefined ? one : { ...one, status };
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
