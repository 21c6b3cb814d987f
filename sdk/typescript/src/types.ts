import type { components } from "./schema.js";

type Schemas = components["schemas"];

/** What the world may know of a PIN. */
export type PinStatus = Schemas["PinStatus"];
/** The PIN policy of an instance. */
export type PinPolicy = Schemas["PinPolicy"];
/** The fields of a policy to change; an absent or null field stays as it is. */
export type PinPolicyUpdate = Schemas["PinPolicyUpdate"];
/** In what role a holder uses an instance. */
export type Role = Schemas["Role"];
/** One question whether a skill may run, and what became of it. */
export type Confirmation = Schemas["Confirmation"];
/** Where a confirmation stands. Take a status that you do not know for "no". */
export type ConfirmationStatus = Schemas["ConfirmationStatus"];
/** Why a confirmation has its status. */
export type ConfirmationReason = NonNullable<Confirmation["reason"]>;
/** What exactly is to be done, and how the person is told. */
export type Action = Schemas["Action"];
/** The exact parameters of an action: a plain JSON object. */
export type ActionParams = Schemas["ActionParams"];
/** One fault of a request, as a 422 lists them. */
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

/** What is asked, without the holder. */
export interface Ask {
  readonly skill: string;
  readonly role: Role;
  /** An action is always confirmed for itself; no session covers it. */
  readonly action?: Readonly<Action>;
  /** Makes asking again give the same confirmation: 1 to 64 visible ASCII characters, unique within the instance. */
  readonly idempotency_key?: string;
  /** For how many seconds the holder can answer: 1 to 3600, 300 when absent. */
  readonly expires_in_seconds?: number;
}

/** The question whether a skill may run now. */
export type Question = Ask & Holder;

/** What is about to run. */
export type Redemption = Readonly<Schemas["RedeemConfirmation"]>;

/** A confirmation that waits for the holder's PIN. */
export type PendingConfirmation = Confirmation & { readonly id: string; readonly status: "pending" };
