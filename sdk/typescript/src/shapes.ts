import { isObject } from "./errors.js";
import type { Confirmation, PinPolicy, PinStatus } from "./types.js";

type Kind = "string" | "string?" | "boolean" | "number" | "number?" | "strings";
type Shape<T> = { readonly [Name in keyof Required<T>]: Kind };

// The server always sends every field. An answer without one is another program's, and would otherwise read as a PIN
// that is not locked or a confirmation without an action. A field more does no harm: a newer server may have it.
const pinStatus: Shape<PinStatus> = {
  has_pin: "boolean",
  is_active: "boolean",
  is_locked: "boolean",
  locked_until: "string?",
  created_at: "string?",
};

const pinPolicy: Shape<PinPolicy> = {
  instance_id: "string",
  pin_applies_to: "string",
  pin_required_skills: "strings",
  pin_session_ttl_minutes: "number",
};

const confirmation: Shape<Confirmation> = {
  id: "string?",
  status: "string",
  reason: "string?",
  skill: "string",
  role: "string",
  customer_id: "string?",
  identity_id: "string?",
  action_summary: "string?",
  action_digest: "string?",
  created_at: "string?",
  expires_at: "string?",
  session_expires_at: "string?",
  attempts_remaining: "number?",
  locked_until: "string?",
  confirm_url: "string?",
  receipt: "string?",
};

export const isPinStatus = complete(pinStatus);
export const isPinPolicy = complete(pinPolicy);
export const isConfirmation = complete(confirmation);
/** The answer of an operation that answers nothing. */
export const isNothing = (value: unknown): boolean => value === undefined;

function complete(shape: Readonly<Record<string, Kind>>): (value: unknown) => boolean {
  const fields = Object.entries(shape);
  return (value) =>
    isObject(value) && fields.every(([name, kind]) => Object.hasOwn(value, name) && is(kind, value[name]));
}

function is(kind: Kind, value: unknown): boolean {
  if (kind === "strings") return Array.isArray(value) && value.every((item) => typeof item === "string");
  return kind.endsWith("?") ? value === null || typeof value === kind.slice(0, -1) : typeof value === kind;
}
