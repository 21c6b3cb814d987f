import { isObject } from "./errors.js";
import type { components } from "./schema.js";
import { Secret } from "./secret.js";
import type {
  ApiKey,
  ApiKeyList,
  Confirmation,
  ConfirmationList,
  CreatedApiKey,
  CreatedWebhook,
  Freeze,
  HolderPin,
  PinEvent,
  PinEventConsistency,
  PinEventLeaf,
  PinEventList,
  PinEventProof,
  PinLink,
  PinList,
  PinPolicy,
  PinPolicyDecision,
  PinStatus,
  Webhook,
  WebhookDelivery,
  WebhookDeliveryList,
  WebhookList,
  WebhookTest,
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

const holderPin: Shape<HolderPin> = {
  holder_type: "string",
  customer_id: "string?",
  instance_id: "string?",
  identity_id: "string?",
  ...pinStatus,
};

const apiKey: Shape<ApiKey> = {
  id: "string",
  prefix: "string",
  kind: "string",
  name: "string?",
  scopes: "strings",
  instance_id: "string?",
  created_at: "string",
  created_by: "string",
  expires_at: "string?",
  revoked_at: "string?",
  last_used_at: "string?",
};

const numbered: Shape<Omit<PinList, "pins">> = {
  page: "number",
  per_page: "number",
  total: "number",
  total_pages: "number",
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

const readNumbers = reader<Omit<PinList, "pins">>(numbered);
const readHolderPin = reader<HolderPin>(holderPin);
const readApiKey = reader<ApiKey>(apiKey);
const readWireCreatedKey = reader<components["schemas"]["CreatedApiKey"]>({ ...apiKey, key: "string" });

/** A page of holders: each is a customer, or an identity of an instance. */
export function readPinList(body: unknown): PinList | undefined {
  const list = readNumbers(body);
  const pins = readItems(body, "pins", readHolderPin);
  return list && pins?.every(isHolder) ? { ...list, pins } : undefined;
}

function isHolder(pin: HolderPin): boolean {
  const customer = pin.holder_type === "customer";
  return (
    (customer || pin.holder_type === "identity") &&
    (pin.customer_id !== null) === customer &&
    (pin.identity_id === null) === customer &&
    (pin.instance_id === null) === customer
  );
}

/** A page of keys. */
export function readApiKeyList(body: unknown): ApiKeyList | undefined {
  const list = readNumbers(body);
  const keys = readItems(body, "api_keys", readApiKey);
  return list && keys && { ...list, api_keys: keys };
}

/** A key that was created, behind a {@link Secret}. */
export function readCreatedApiKey(body: unknown): CreatedApiKey | undefined {
  const read = readWireCreatedKey(body);
  return read && { ...read, key: new Secret(read.key) };
}

const webhook: Shape<Webhook> = {
  id: "string",
  url: "string",
  events: "strings",
  description: "string?",
  enabled: "boolean",
  disabled_reason: "string?",
  failing_since: "string?",
  created_at: "string",
  updated_at: "string",
  created_by: "string",
};
const webhookDelivery: Shape<WebhookDelivery> = {
  id: "string",
  webhook_id: "string",
  event_id: "string",
  event_index: "number",
  event_type: "string",
  status: "string",
  attempts: "number",
  created_at: "string",
  next_attempt_at: "string?",
  last_attempt_at: "string?",
  last_status: "number?",
  last_error: "string?",
};
export const readWebhook = reader<Webhook>(webhook);
export const readWebhookTest = reader<WebhookTest>({ event_id: "string" });
export const readWebhookDelivery = reader<WebhookDelivery>(webhookDelivery);
const readWireCreatedWebhook = reader<components["schemas"]["CreatedWebhook"]>({ ...webhook, secret: "string" });

/** A page of webhooks. */
export function readWebhookList(body: unknown): WebhookList | undefined {
  const list = readNumbers(body);
  const webhooks = readItems(body, "webhooks", readWebhook);
  return list && webhooks && { ...list, webhooks };
}

/** A webhook with its secret behind a {@link Secret}. */
export function readCreatedWebhook(body: unknown): CreatedWebhook | undefined {
  const read = readWireCreatedWebhook(body);
  return read && { ...read, secret: new Secret(read.secret) };
}

/** A page of deliveries. */
export function readWebhookDeliveryList(body: unknown): WebhookDeliveryList | undefined {
  const list = readNumbers(body);
  const deliveries = readItems(body, "deliveries", readWebhookDelivery);
  return list && deliveries && { ...list, deliveries };
}

function readItems<T>(body: unknown, name: string, read: (item: unknown) => T | undefined): T[] | undefined {
  const items = isObject(body) ? body[name] : undefined;
  if (!Array.isArray(items)) return undefined;
  const all = items.map(read);
  return all.every((item) => item !== undefined) ? all : undefined;
}

const pinEvent: Shape<Omit<PinEvent, "details">> = {
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
const readWireEvent = reader<PinEvent>(pinEvent);
const readWireLeaf = reader<PinEventLeaf>({ index: "number", leaf: "string", leaf_hash: "string" });
export const readPinEventProof = reader<PinEventProof>({
  index: "number",
  size: "number",
  leaf_hash: "string",
  hashes: "strings",
});
export const readPinEventConsistency = reader<PinEventConsistency>({ from: "number", to: "number", hashes: "strings" });

function readPinEvent(body: unknown): PinEvent | undefined {
  const read = readWireEvent(body);
  return read && isObject(read.details) ? read : undefined;
}

/** A page of the audit trail. */
export function readPinEventList(body: unknown): PinEventList | undefined {
  const events = readItems(body, "events", readPinEvent);
  const next = isObject(body) ? body["next"] : undefined;
  return events && (next === null || (typeof next === "string" && next !== "")) ? { events, next } : undefined;
}

/** An event with its leaf. */
export function readPinEventLeaf(body: unknown): PinEventLeaf | undefined {
  const read = readWireLeaf(body);
  const event = read && readPinEvent(read.event);
  return read && event && { ...read, event };
}

/** A checkpoint is text that ends a line. */
export function readCheckpoint(body: unknown): string | undefined {
  return typeof body === "string" && body.endsWith("\n") ? body : undefined;
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
