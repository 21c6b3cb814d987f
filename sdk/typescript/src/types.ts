import type { components } from "./schema.js";
import type { Secret } from "./secret.js";

type Schemas = components["schemas"];

/** Whether a holder has a PIN, and whether it is active or locked. */
export type PinStatus = Schemas["PinStatus"];
/** The PIN policy of an instance. */
export type PinPolicy = Schemas["PinPolicy"];
/** The fields of a policy to change; an absent or null field stays as it is. */
export type PinPolicyUpdate = Schemas["PinPolicyUpdate"];
/** In what role a holder uses an instance. */
export type Role = Schemas["Role"];
/** One question whether a skill may run, and what became of it. The receipt prints as `[redacted]`. */
export type Confirmation = Omit<Schemas["Confirmation"], "receipt"> & { readonly receipt: Secret | null };
/** Where a confirmation stands. Treat any unrecognised status as "no". */
export type ConfirmationStatus = Schemas["ConfirmationStatus"];
/** Why a confirmation has its status. */
export type ConfirmationReason = NonNullable<Confirmation["reason"]>;
/** A page of the open confirmations, the newest first; `next` leads to the page after it, and is null on the last. */
export interface ConfirmationList {
  readonly confirmations: readonly Confirmation[];
  readonly next: string | null;
}
/** Which open confirmations are listed: all, or those of one status or one holder. */
export type ConfirmationFilter = Partial<Holder> & { readonly status?: "pending" | "approved" };
/** How a skill ended, as its runtime reports it: a claim, not proof. */
export type Outcome = Schemas["Outcome"];
/** Whether a skill needs a PIN now, and why not. While the instance is frozen: `required`, with the reason `frozen`. */
export type PinPolicyDecision = Schemas["PinPolicyDecision"];
/** Whether an instance or a tenant is frozen, since when, by whom, and why. */
export type Freeze = Schemas["Freeze"];
/** An event of the audit trail. */
export type PinEvent = Schemas["PinEvent"];
/** A page of the audit trail. */
export type PinEventList = Schemas["PinEventList"];
/** An event with its leaf in the Merkle tree. */
export type PinEventLeaf = Schemas["PinEventLeaf"];
/** A proof that an event is in the audit trail. */
export type PinEventProof = Schemas["PinEventProof"];
/** A proof that a newer tree begins with an older one. */
export type PinEventConsistency = Schemas["PinEventConsistency"];
/** A link with which a person chooses their PIN, once. Its address is a credential and prints as `[redacted]`. */
export type PinLink = Omit<Schemas["PinLink"], "url"> & { readonly url: Secret };
/** What exactly is to be done, and what the person is shown of it. */
export type Action = Schemas["Action"];
/** The exact parameters of an action: a plain JSON object. */
export type ActionParams = Schemas["ActionParams"];
/** One validation error of a request, as a 422 lists them. */
export type ValidationDetail = Schemas["ValidationError"];
/** A problem document (RFC 9457). */
export type Problem = Schemas["Problem"];

type CodeOf<T> = T extends `urn:hydrapin:problem:${infer Code}` ? Code : never;
/** What went wrong, for programs: the last part of a problem's `type`. */
export type ProblemCode = CodeOf<Schemas["ProblemType"]>;

/** Who has the PIN: exactly one of a customer of the tenant and a channel identity of the instance. */
export type Holder =
  | { readonly customer_id: string; readonly identity_id?: never }
  | { readonly identity_id: string; readonly customer_id?: never };

interface AskBase {
  readonly skill: string;
  readonly role: Role;
  /** An action is always confirmed for itself; no session covers it. */
  readonly action?: Readonly<Action>;
  /** How many seconds the holder has to answer: 1 to 86400, 300 when absent. */
  readonly expires_in_seconds?: number;
}

/** At most one key, of 1 to 64 visible ASCII characters. */
export type AskKey =
  | {
      /** Makes asking again return the same confirmation, whatever became of it. Unique within the instance. */
      readonly idempotency_key?: string;
      readonly call_key?: never;
    }
  | {
      /** Finds the confirmation of the same call while it is open, so that an approval lets the call run once. */
      readonly call_key: string;
      readonly idempotency_key?: never;
    };

/** What is asked, without the holder. */
export type Ask = AskBase & AskKey;

/** The question whether a skill may run now. */
export type Question = Ask & Holder;

/** What is about to run. */
export type Redemption = Readonly<Schemas["RedeemConfirmation"]>;

/** A confirmation that waits for the holder's PIN. */
export type PendingConfirmation = Confirmation & { readonly id: string; readonly status: "pending" };
