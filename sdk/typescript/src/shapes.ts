import { isObject } from "./errors.js";
import type { components } from "./schema.js";
import { Secret } from "./secret.js";
import type {
  Confirmation,
  ConfirmationList,
  Freeze,
  PinEvent,
  PinEventConsistency,
  PinEventLeaf,
  PinEventList,
  PinEventProof,
  PinLink,
  PinPolicy,
  PinPolicyDecision,
  PinStatus,
} from "./types.js";

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
  set_by: "string?",
};

const pinPolicy: Shape<PinPolicy> = {
  instance_id: "string",
  pin_applies_to: "string",
  pin_required_skills: "strings",
  pin_session_ttl_minutes: "number",
  pin_must_be_own: "boolean",
  pin_channels: "string",
};

const freeze: Shape<Freeze> = {
  frozen: "boolean",
  since: "string?",
  by: "string?",
  reason: "string?",
};

const event: Shape<Omit<PinEvent, "details">> = {
  index: "number",
  id: "string",
  time: "string",
  tenant_id: "string",
  type: "string",
  actor_kind: "string",
  actor_id: "string",
  holder_type: "string?",
  customer_id: "string?",
  identity_id: "string?",
  instance_id: "string?",
  confirmation_id: "string?",
  request_id: "string?",
  peer: "string?",
};

const decision: Shape<PinPolicyDecision> = {
  required: "boolean",
  reason: "string?",
};

const confirmation: Shape<components["schemas"]["Confirmation"]> = {
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
  outcome: "string?",
  outcome_at: "string?",
  receipt: "string?",
};

export const readPinStatus = reader<PinStatus>(pinStatus);
export const readPinPolicy = reader<PinPolicy>(pinPolicy);
const pinLink: Shape<components["schemas"]["PinLink"]> = {
  id: "string",
  url: "string",
  expires_at: "string",
};

const readWirePinLink = reader<components["schemas"]["PinLink"]>(pinLink);
export const readFreeze = reader<Freeze>(freeze);
const readWireDecision = reader<PinPolicyDecision>(decision);
const readWireConfirmation = reader<components["schemas"]["Confirmation"]>(confirmation);

const stored: ReadonlySet<string> = new Set(["pending", "approved", "declined", "expired", "redeemed"]);
const notStored: ReadonlySet<string> = new Set(["not_required", "blocked"]);

/** A confirmation, its receipt behind a {@link Secret}. One whose status is unknown, or that contradicts itself, is none. */
export function readConfirmation(body: unknown): Confirmation | undefined {
  const read = readWireConfirmation(body);
  if (!read || !(read.id === null ? notStored : stored).has(read.status)) return undefined;
  if ((read.customer_id === null) === (read.identity_id === null)) return undefined;
  return { ...read, receipt: read.receipt === null ? null : new Secret(read.receipt) };
}

/**
 * Whether a skill needs a PIN. "Not required" counts only with a reason that says why, so that a program that runs
 * a skill on it never does so by mistake.
 */
export function readDecision(body: unknown): PinPolicyDecision | undefined {
  const read = readWireDecision(body);
  if (!read || read.required) return read;
  return read.reason === "role_excluded" || read.reason === "skill_not_listed" ? read : undefined;
}

/** A page of confirmations; one that is not whole spoils the page. */
export function readConfirmationList(body: unknown): ConfirmationList | undefined {
  if (!isObject(body) || !Array.isArray(body["confirmations"])) return undefined;
  const next = body["next"];
  if (next !== null && (typeof next !== "string" || next === "")) return undefined;
  const confirmations = body["confirmations"].map(readConfirmation);
  return confirmations.every((c) => c !== undefined) ? { confirmations, next } : undefined;
}

/** A link, its address behind a {@link Secret}: whoever holds it chooses the PIN. */
export function readPinLink(body: unknown): PinLink | undefined {
  const read = readWirePinLink(body);
  return read && { ...read, url: new Secret(read.url) };
}

const readWireEvent = reader<PinEvent>(event);

function readEvent(body: unknown): PinEvent | undefined {
  const read = readWireEvent(body);
  return read && isObject(read.details) ? read : undefined;
}

/** A page of the audit trail. */
export function readEventList(body: unknown): PinEventList | undefined {
  if (!isObject(body) || !Array.isArray(body["events"])) return undefined;
  const next = body["next"];
  if (next !== null && (typeof next !== "string" || next === "")) return undefined;
  const events = body["events"].map(readEvent);
  return events.every((e) => e !== undefined) ? { events, next } : undefined;
}

const readWireLeaf = reader<PinEventLeaf>({ index: "number", leaf: "string", leaf_hash: "string" });

/** An event with its leaf. */
export function readEventLeaf(body: unknown): PinEventLeaf | undefined {
  const read = readWireLeaf(body);
  return read && readEvent(read.event) ? read : undefined;
}

export const readEventProof = reader<PinEventProof>({
  index: "number",
  size: "number",
  leaf_hash: "string",
  hashes: "strings",
});
export const readEventConsistency = reader<PinEventConsistency>({ from: "number", to: "number", hashes: "strings" });

/** The signed head of the audit trail: a signed note. */
export function readCheckpoint(body: unknown): string | undefined {
  return typeof body === "string" && body.includes("\n\n\u2014 ") ? body : undefined;
}

/** A picture as text. */
export function readSvg(body: unknown): string | undefined {
  return typeof body === "string" && body.includes("<svg") ? body : undefined;
}

/** The answer of an operation that answers nothing. */
export function readNothing(body: unknown): null | undefined {
  return body === undefined ? null : undefined;
}

function reader<T>(shape: Readonly<Record<string, Kind>>): (body: unknown) => T | undefined {
  const fields = Object.entries(shape);
  return (body) =>
    isObject(body) && fields.every(([name, kind]) => Object.hasOwn(body, name) && is(kind, body[name]))
      ? (body as T)
      : undefined;
}

function is(kind: Kind, value: unknown): boolean {
  if (kind === "strings") return Array.isArray(value) && value.every((item) => typeof item === "string");
  return kind.endsWith("?") ? value === null || typeof value === kind.slice(0, -1) : typeof value === kind;
}
