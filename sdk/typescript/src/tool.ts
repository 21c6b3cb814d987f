import { NotConfirmedError, type NotConfirmedReason } from "./errors.js";
import type { Grant, GuardOptions } from "./guard.js";
import type { Runtime } from "./runtime.js";
import { summary } from "./summary.js";
import type { ActionParams, Ask, Holder } from "./types.js";

/** How a tool's calls are confirmed. */
export type ToolRule = Holder &
  Pick<Ask, "role" | "expires_in_seconds"> &
  Pick<GuardOptions, "onPending" | "waitMs" | "allowNotRequired"> & {
    /** The skill, as the instance's PIN policy names it. */
    readonly skill: string;
    /** What the person is shown: a template over the tool's arguments, as {@link summary} fills it. */
    readonly summary: string;
  };

/** One call of a tool, as a framework makes it. */
export interface ToolCall {
  /** The call's id: a framework that repeats a call finds its confirmation again. */
  readonly id: string | undefined;
  readonly args: Readonly<ActionParams>;
  readonly signal?: AbortSignal | undefined;
}

// What the model is given. It holds no link, no number and no word that a person or another model wrote.
const sentences: Readonly<Record<NotConfirmedReason, string>> = {
  not_required: "Not run: this tool is not covered by the instance's PIN policy. Do not call it again; tell the user.",
  blocked: "Not run: the user cannot confirm with a PIN at the moment. Do not call it again; tell the user.",
  incorrect_pin: "Not run: the PIN was incorrect. Ask the user whether to try again.",
  locked: "Not run: the PIN is locked. Do not call it again; tell the user.",
  declined: "Not run: the user declined. Do not call it again with the same arguments.",
  expired: "Not run: the user did not confirm in time. Ask the user whether to try again.",
  still_pending:
    "Not run yet: the user has not confirmed. Call this tool again with the same arguments once the user says so.",
  cancelled: "Not run: the call was cancelled.",
  unreachable: "Not run: the confirmation service cannot be reached. Do not call it again now; tell the user.",
  refused: "Not run: the confirmation was refused. Do not call it again with the same arguments; tell the user.",
  unrecognised: "Not run: the confirmation service gave no valid answer. Do not call it again; tell the user.",
  invalid: "Not run: these arguments cannot be confirmed. Check them against the tool's description.",
};

/** The one sentence that a model is given for a reason. */
export function sentenceFor(reason: NotConfirmedReason): string {
  return sentences[reason];
}

/**
 * Runs a tool's call under guard. It never throws a NotConfirmedError, which frameworks take for a call to repeat: it
 * returns one fixed sentence per reason. Errors of the tool pass unchanged.
 */
export async function guardCall<T>(
  runtime: Runtime,
  rule: ToolRule,
  call: ToolCall,
  run: (params: Readonly<ActionParams>, grant: Grant) => T | Promise<T>,
): Promise<T | string> {
  const { skill, summary: template, onPending, waitMs, allowNotRequired, ...rest } = rule;
  let granted = false;
  try {
    const key = call.id === undefined ? {} : { idempotency_key: await keyOf(call.id) };
    const action = { summary: summary(template, call.args), params: call.args as ActionParams };
    const options: GuardOptions = {
      ...(onPending && { onPending }),
      ...(waitMs !== undefined && { waitMs }),
      ...(allowNotRequired !== undefined && { allowNotRequired }),
      ...(call.signal && { signal: call.signal }),
    };
    return await runtime.guard(
      { ...rest, skill, action, ...key },
      (grant) => {
        granted = true;
        // With an action there are always params.
        return run(grant.params ?? {}, grant);
      },
      options,
    );
  } catch (error) {
    if (granted) throw error;
    // A template that cannot be filled is refused before anything is asked.
    return sentences[error instanceof NotConfirmedError ? error.reason : "invalid"];
  }
}

/** The call's id where it can be a key (1 to 64 visible ASCII characters), else its SHA-256. */
async function keyOf(id: string): Promise<string> {
  if (/^[!-~]{1,64}$/.test(id)) return id;
  const sum = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(id));
  return Array.from(new Uint8Array(sum), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
