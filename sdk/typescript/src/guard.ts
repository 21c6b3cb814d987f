import { canonicalParams, digestOf, frozenParams } from "./canonical.js";
import { BlockedError, NotConfirmedError, UnexpectedAnswerError, contextOf } from "./errors.js";
import { raceAbort, sleep, type Answer, type CallOptions } from "./transport.js";
import type { ActionParams, Confirmation, PendingConfirmation, Question, Redemption } from "./types.js";

/** With what `guard` runs the function. */
export interface Grant {
  /** The answer that let it run: its status is `redeemed` or `not_required`. */
  readonly confirmation: Confirmation;
  /** The params that were confirmed, frozen, or null where the question had no action. */
  readonly params: Readonly<ActionParams> | null;
  /** The signed proof of the approval, for a skill that checks it, or null where no PIN was required. */
  readonly receipt: string | null;
}

/** What can be said of a guarded run. */
export interface GuardOptions {
  /**
   * Called when the holder has to confirm: show the question, or take the PIN and send it with `verifyConfirmation`.
   * `guard` waits for the outcome beside it, wherever it comes from; the signal fires when that wait is over, to close
   * what is open. When it throws, the confirmation is declined and `guard` throws the same.
   */
  readonly onPending?: (
    confirmation: PendingConfirmation,
    context: { readonly signal: AbortSignal },
  ) => void | Promise<void>;
  /** Ends it all; `guard` then declines what is not redeemed, as well as it can, and rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** How many seconds one long poll waits: 1 to 30, 25 when absent. */
  readonly waitSeconds?: number;
}

/** The calls that a guarded run makes. */
export interface Calls {
  ask(question: Question, options: CallOptions): Promise<Answer<Confirmation>>;
  wait(id: string, waitSeconds: number, options: CallOptions): Promise<Answer<Confirmation>>;
  redeem(id: string, redemption: Redemption, options: CallOptions): Promise<Answer<Confirmation>>;
  decline(id: string, options: CallOptions): Promise<void>;
}

// How long a refusal waits for the server to note it.
const declineTimeoutMs = 2_000;
// How far an honest server's answer may come after the question's own time.
const graceMs = 60_000;
// The least time between two polls, should a server not wait.
const pollPauseMs = 1_000;

export async function guard<T>(
  calls: Calls,
  question: Question,
  fn: (grant: Grant) => T | Promise<T>,
  options: GuardOptions,
): Promise<T> {
  const { signal } = options;
  const asked = await prepare(question);
  signal?.throwIfAborted();
  const answer = await calls.ask(asked.question, { signal });
  const first = answer.data;
  requireSame(asked, first, answer.response);
  switch (first.status) {
    case "not_required":
      if (first.id !== null || (first.reason !== "role_excluded" && first.reason !== "skill_not_listed")) {
        throw new UnexpectedAnswerError(
          "No PIN is needed, for a reason that is not known.",
          contextOf(answer.response),
        );
      }
      signal?.throwIfAborted();
      return fn({ confirmation: first, params: asked.params, receipt: null });
    case "blocked":
      throw new BlockedError(first, contextOf(answer.response));
    case "pending":
    case "approved":
      break;
    default:
      throw refusal(answer);
  }
  const { id } = first;
  if (id === null) throw new UnexpectedAnswerError("The confirmation has no id.", contextOf(answer.response));
  let grant: Grant;
  try {
    const approved = isPending(first) ? await approval(calls, first, asked, options) : first;
    if (asked.params && approved.reason === "session")
      throw new UnexpectedAnswerError("A session does not cover an action.");
    grant = { confirmation: await redeem(calls, id, asked, signal), params: asked.params, receipt: approved.receipt };
  } catch (error) {
    // What is still open could otherwise be approved for a run that is over. The refusal stands without it.
    await calls
      .decline(id, { timeoutMs: declineTimeoutMs, signal: AbortSignal.timeout(declineTimeoutMs) })
      .catch(() => undefined);
    throw error;
  }
  return fn(grant);
}

/** Returns the confirmation once it is approved, and throws for every other end. */
async function approval(
  calls: Calls,
  pending: PendingConfirmation,
  asked: Prepared,
  options: GuardOptions,
): Promise<Confirmation> {
  const over = new AbortController();
  const stop = () => {
    over.abort(options.signal?.reason);
  };
  options.signal?.addEventListener("abort", stop, { once: true });
  if (options.signal?.aborted) stop();
  try {
    const failed = new Promise<never>((_, reject) => {
      Promise.resolve()
        .then(() => options.onPending?.(pending, { signal: over.signal }))
        .catch(reject);
    });
    return await raceAbort(
      Promise.race([poll(calls, pending, asked, options.waitSeconds ?? 25, over.signal), failed]),
      options.signal,
    );
  } finally {
    options.signal?.removeEventListener("abort", stop);
    over.abort();
  }
}

async function poll(
  calls: Calls,
  pending: PendingConfirmation,
  asked: Prepared,
  waitSeconds: number,
  signal: AbortSignal,
): Promise<Confirmation> {
  // By this machine's own count: its clock and the server's may differ.
  const end = performance.now() + (asked.question.expires_in_seconds ?? 300) * 1000 + graceMs;
  let last: Confirmation = pending;
  while (performance.now() < end) {
    const began = performance.now();
    const answer = await calls.wait(pending.id, waitSeconds, { signal });
    last = answer.data;
    if (last.status === "approved") return last;
    if (last.status !== "pending") throw refusal(answer);
    await sleep(Math.max(0, pollPauseMs - (performance.now() - began)), signal);
  }
  throw new NotConfirmedError("The confirmation was pending for longer than it can be.", last);
}

async function redeem(
  calls: Calls,
  id: string,
  asked: Prepared,
  signal: AbortSignal | undefined,
): Promise<Confirmation> {
  signal?.throwIfAborted();
  const { skill } = asked.question;
  const answer = await calls.redeem(id, asked.params ? { skill, params: asked.params } : { skill }, { signal });
  const redeemed = answer.data;
  requireSame(asked, redeemed, answer.response);
  if (answer.response.status !== 200 || redeemed.status !== "redeemed" || redeemed.id !== id) throw refusal(answer);
  // It came too late for a caller who has given up.
  signal?.throwIfAborted();
  return redeemed;
}

interface Prepared {
  readonly question: Question;
  readonly params: Readonly<ActionParams> | null;
  readonly digest: string | null;
}

/** Takes the question as it is now: what the caller changes later must change neither the answer nor what runs. */
async function prepare(question: Question): Promise<Prepared> {
  const { action, idempotency_key = randomKey() } = question;
  if (action === undefined) return { question: { ...question, idempotency_key }, params: null, digest: null };
  const { summary } = action;
  const text = canonicalParams(action.params);
  const params = frozenParams(text);
  return {
    question: { ...question, idempotency_key, action: { summary, params } },
    params,
    digest: await digestOf(text),
  };
}

/** Refuses an answer to another question than the one that was asked. */
function requireSame({ question, digest }: Prepared, answer: Confirmation, response: Response): void {
  const same =
    lowerAscii(answer.skill) === lowerAscii(question.skill) &&
    answer.role === question.role &&
    // The question has exactly one of the two.
    answer.customer_id === (question.customer_id?.toLowerCase() ?? null) &&
    answer.identity_id === (question.identity_id?.toLowerCase() ?? null) &&
    // Where nothing is stored, the answer is of the skill alone.
    (answer.action_digest === digest || (answer.id === null && answer.action_digest === null));
  if (!same) throw new UnexpectedAnswerError("The answer is to another question.", contextOf(response));
}

function isPending(confirmation: Confirmation): confirmation is PendingConfirmation {
  return confirmation.status === "pending";
}

function refusal({ data, response }: Answer<Confirmation>): NotConfirmedError {
  const reason = data.reason === null ? "" : ` (${data.reason})`;
  return new NotConfirmedError(`The skill was not confirmed: ${data.status}${reason}.`, data, contextOf(response));
}

/** Lowers A to Z only: Unicode's folding would make the Kelvin sign a k, and two skills one. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (c) => c.toLowerCase());
}

function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
