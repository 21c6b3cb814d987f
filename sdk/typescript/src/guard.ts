import { ParamsError, canonicalParams, digestOf, frozenParams } from "./canonical.js";
import {
  BusyError,
  ConnectionError,
  ExpiredError,
  HydrapinError,
  InactiveError,
  InternalError,
  LockedError,
  NotConfirmedError,
  TimeoutError,
  UnavailableError,
  UnexpectedAnswerError,
  ValidationError,
  WrongPinError,
  contextOf,
  type NotConfirmedReason,
} from "./errors.js";
import type { Secret } from "./secret.js";
import { raceAbort, sleep, type Answer, type CallOptions } from "./transport.js";
import type { ActionParams, Confirmation, Outcome, PendingConfirmation, Question, Redemption } from "./types.js";

/** What the function is run with. */
export interface Grant {
  /** The answer that let it run: its status is `redeemed`, or `not_required` where that is allowed. */
  readonly confirmation: Confirmation;
  /** The params that were confirmed, frozen, or null where the question had no action. */
  readonly params: Readonly<ActionParams> | null;
  /** The signed proof of the approval, for a skill that checks it, or null where no PIN was required. */
  readonly receipt: Secret | null;
}

/** The settings of one guarded run. */
export interface GuardOptions {
  /**
   * Called when the holder has to confirm: show `confirmation.confirm_url` to the person. `guard` waits for the outcome
   * beside it; the signal fires when that wait is over. When it throws, the function does not run.
   */
  readonly onPending?: (
    confirmation: PendingConfirmation,
    context: { readonly signal: AbortSignal },
  ) => void | Promise<void>;
  /** How many milliseconds to wait for the person: until the question expires when absent. */
  readonly waitMs?: number;
  /** Runs the function also where the policy asks for no PIN. Without it a misspelt skill does not run. */
  readonly allowNotRequired?: boolean;
  /** Ends the wait. The function does not run after it has fired. */
  readonly signal?: AbortSignal;
  /** How many seconds one long poll waits: 1 to 30, 25 when absent. */
  readonly pollSeconds?: number;
}

/** The calls that a guarded run makes. */
export interface Calls {
  readonly instanceId: string;
  ask(question: Question, options: CallOptions): Promise<Answer<Confirmation>>;
  wait(id: string, waitSeconds: number, options: CallOptions): Promise<Answer<Confirmation>>;
  redeem(id: string, redemption: Redemption, options: CallOptions): Promise<Answer<Confirmation>>;
  decline(id: string, options: CallOptions): Promise<void>;
  report(id: string, outcome: Outcome, options: CallOptions): Promise<Confirmation>;
}

// How long withdrawing a question may take, and how long reporting an outcome. Nothing depends on either.
const withdrawMs = 2_000;
const reportMs = 5_000;
// How long after the question's own time an honest server's answer may come.
const graceMs = 60_000;
// The least time between two polls, should a server not wait.
const pollPauseMs = 1_000;

/** Asks, waits, redeems, and only then runs the function. Whatever else happens is a {@link NotConfirmedError}. */
export async function guard<T>(
  calls: Calls,
  question: Question,
  fn: (grant: Grant) => T | Promise<T>,
  options: GuardOptions,
): Promise<T> {
  const run = new Run(calls, options);
  let grant: Grant;
  try {
    grant = await run.grant(question);
  } catch (error) {
    const refusal = notConfirmed(error, run.last, options.signal);
    // Nobody else knows a key that guard made, so nobody could use what is still open.
    const ownKey = question.idempotency_key === undefined && question.call_key === undefined;
    if (refusal.reason !== "still_pending" && ownKey) await run.decline();
    throw refusal;
  }
  let result: T;
  try {
    result = await fn(grant);
  } catch (error) {
    await report(calls, grant, "failed");
    throw error;
  }
  await report(calls, grant, "executed");
  return result;
}

/** Reports the outcome, as well as that can be done: it is a claim for the record, and changes nothing of what ran. */
async function report(calls: Calls, { confirmation }: Grant, outcome: Outcome): Promise<void> {
  // Where no PIN was required, nothing is stored.
  if (confirmation.id === null) return;
  const options = { timeoutMs: reportMs, signal: AbortSignal.timeout(reportMs) };
  await calls.report(confirmation.id, outcome, options).catch(() => undefined);
}

/** One guarded run up to the decision. */
class Run {
  /** The confirmation as it was last seen. */
  last: Confirmation | null = null;
  readonly #calls: Calls;
  readonly #options: GuardOptions;

  constructor(calls: Calls, options: GuardOptions) {
    this.#calls = calls;
    this.#options = options;
  }

  async grant(question: Question): Promise<Grant> {
    const { signal } = this.#options;
    const asked = await prepare(question);
    signal?.throwIfAborted();
    const answer = await this.#calls.ask(asked.question, { signal });
    const first = this.#same(asked, answer);
    switch (first.status) {
      case "not_required":
        return this.#notRequired(asked, answer);
      case "blocked":
        throw new NotConfirmedError("blocked", `No PIN can be entered now: ${String(first.reason)}.`, {
          confirmation: first,
          context: contextOf(answer.response),
        });
      case "pending":
      case "approved":
        break;
      default:
        throw ended(answer);
    }
    if (first.id === null) throw unrecognised("The confirmation has no id.", answer);
    const approved = isPending(first) ? await this.#approval(first, asked) : first;
    if (approved.reason !== "pin" && (approved.reason !== "session" || asked.params))
      throw unrecognised("It was approved for a reason that is not recognised, or by a session.", answer);
    const confirmation = await this.#redeem(first.id, asked);
    return { confirmation, params: asked.params, receipt: approved.receipt };
  }

  /** Ends what is still open, as well as that can be done. The refusal stands without it. */
  async decline(): Promise<void> {
    const { last } = this;
    if (!last?.id || (last.status !== "pending" && last.status !== "approved")) return;
    const options = { timeoutMs: withdrawMs, signal: AbortSignal.timeout(withdrawMs) };
    await this.#calls.decline(last.id, options).catch(() => undefined);
  }

  #notRequired(asked: Prepared, answer: Answer<Confirmation>): Grant {
    const { data } = answer;
    if (data.id !== null || (data.reason !== "role_excluded" && data.reason !== "skill_not_listed"))
      throw unrecognised("No PIN is required, for a reason that is not recognised.", answer);
    if (!this.#options.allowNotRequired) {
      throw new NotConfirmedError(
        "not_required",
        `The policy of instance ${this.#calls.instanceId} requires no PIN for the skill "${data.skill}" (${data.reason}), so nobody confirmed it: correct the skill's name or the policy, or set allowNotRequired.`,
        { confirmation: data, context: contextOf(answer.response) },
      );
    }
    this.#options.signal?.throwIfAborted();
    return { confirmation: data, params: asked.params, receipt: null };
  }

  /** Returns the confirmation once it is approved, and throws for every other end. */
  async #approval(pending: PendingConfirmation, asked: Prepared): Promise<Confirmation> {
    const { signal, onPending } = this.#options;
    const over = new AbortController();
    const stop = () => {
      over.abort(signal?.reason);
    };
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    try {
      const failed = new Promise<never>((_, reject) => {
        Promise.resolve()
          .then(() => onPending?.(pending, { signal: over.signal }))
          .catch(reject);
      });
      return await raceAbort(Promise.race([this.#poll(pending, asked, over.signal), failed]), signal);
    } finally {
      signal?.removeEventListener("abort", stop);
      over.abort();
    }
  }

  async #poll(pending: PendingConfirmation, asked: Prepared, signal: AbortSignal): Promise<Confirmation> {
    const { waitMs = Infinity, pollSeconds = 25 } = this.#options;
    // By this machine's own count: its clock and the server's may differ.
    const lifetimeMs = (asked.question.expires_in_seconds ?? 300) * 1000 + graceMs;
    const end = performance.now() + Math.min(waitMs, lifetimeMs);
    for (;;) {
      const began = performance.now();
      const seconds = Math.min(pollSeconds, Math.ceil(Math.max(0, end - began) / 1000));
      const answer = await this.#calls.wait(pending.id, seconds, { signal });
      const seen = this.#same(asked, answer);
      if (seen.status === "approved") return seen;
      if (seen.status !== "pending") throw ended(answer);
      const now = performance.now();
      if (now >= end) {
        throw new NotConfirmedError("still_pending", "The person has not answered yet.", { confirmation: seen });
      }
      await sleep(Math.min(Math.max(0, pollPauseMs - (now - began)), end - now), signal);
    }
  }

  async #redeem(id: string, asked: Prepared): Promise<Confirmation> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    const { skill } = asked.question;
    const answer = await this.#calls.redeem(id, asked.params ? { skill, params: asked.params } : { skill }, { signal });
    const redeemed = this.#same(asked, answer);
    if (answer.response.status !== 200 || redeemed.status !== "redeemed" || redeemed.id !== id)
      throw unrecognised("The answer of redeem is not a redeemed confirmation.", answer);
    // It came too late for a caller who has given up.
    signal?.throwIfAborted();
    return redeemed;
  }

  /** Refuses an answer to another question than the one that was asked. */
  #same({ question, digest }: Prepared, answer: Answer<Confirmation>): Confirmation {
    const { data } = answer;
    const same =
      data.skill === question.skill &&
      data.role === question.role &&
      // The question has exactly one of the two.
      data.customer_id === (question.customer_id?.toLowerCase() ?? null) &&
      data.identity_id === (question.identity_id?.toLowerCase() ?? null) &&
      // Where nothing is stored, the answer is of the skill alone.
      (data.action_digest === digest || (data.id === null && data.action_digest === null));
    if (!same) throw unrecognised("The answer is to another question.", answer);
    this.last = data;
    return data;
  }
}

interface Prepared {
  readonly question: Question;
  readonly params: Readonly<ActionParams> | null;
  readonly digest: string | null;
}

/** Takes the question as it is now: what the caller changes later must change neither the answer nor what runs. */
async function prepare(question: Question): Promise<Prepared> {
  const { action } = question;
  const keyed = question.call_key === undefined ? { idempotency_key: question.idempotency_key ?? randomKey() } : {};
  if (action === undefined) return { question: { ...question, ...keyed } as Question, params: null, digest: null };
  const { summary } = action;
  const text = canonicalParams(action.params);
  const params = frozenParams(text);
  return {
    question: { ...question, ...keyed, action: { summary, params } } as Question,
    params,
    digest: await digestOf(text),
  };
}

/** The one error of a run that did not come to the function. */
function notConfirmed(error: unknown, last: Confirmation | null, signal: AbortSignal | undefined): NotConfirmedError {
  if (error instanceof NotConfirmedError) return error;
  const reason = signal?.aborted ? "cancelled" : reasonOf(error);
  const message = error instanceof HydrapinError || error instanceof TypeError ? error.message : "The run was given up.";
  return new NotConfirmedError(reason, `The skill did not run (${reason}): ${message}`, {
    confirmation: last,
    cause: error,
  });
}

function reasonOf(error: unknown): NotConfirmedReason {
  // A proxy in front of the server, or the server without a problem document.
  if (error instanceof UnexpectedAnswerError && error.status !== null) {
    if (error.status === 422) return "invalid";
    if (error.status >= 500) return "unreachable";
  }
  for (const [kinds, reason] of reasons) if (kinds.some((kind) => error instanceof kind)) return reason;
  return "cancelled";
}

// In order: the first that fits. What is none of them was thrown by onPending or by the token source.
const reasons: readonly (readonly [readonly (abstract new (...args: never[]) => Error)[], NotConfirmedReason])[] = [
  [[ParamsError, TypeError, ValidationError], "invalid"],
  [[WrongPinError], "incorrect_pin"],
  [[LockedError, InactiveError], "locked"],
  [[ExpiredError], "expired"],
  [[ConnectionError, TimeoutError, UnavailableError, BusyError, InternalError], "unreachable"],
  [[UnexpectedAnswerError], "unrecognised"],
  [[HydrapinError], "refused"],
];

function isPending(confirmation: Confirmation): confirmation is PendingConfirmation {
  return confirmation.status === "pending";
}

/** A confirmation that ended without a yes. */
function ended({ data, response }: Answer<Confirmation>): NotConfirmedError {
  const { status } = data;
  const more = { confirmation: data, context: contextOf(response) };
  if (status === "declined") return new NotConfirmedError("declined", `Declined: ${String(data.reason)}.`, more);
  if (status === "expired") return new NotConfirmedError("expired", "The time to answer is over.", more);
  if (status === "redeemed") return new NotConfirmedError("refused", "The approval was used up before.", more);
  return new NotConfirmedError("unrecognised", "The confirmation's status is not recognised.", more);
}

function unrecognised(message: string, { data, response }: Answer<Confirmation>): NotConfirmedError {
  return new NotConfirmedError("unrecognised", message, { confirmation: data, context: contextOf(response) });
}

function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
