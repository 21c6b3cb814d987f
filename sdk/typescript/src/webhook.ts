import { HydrapinError, isObject } from "./errors.js";
import { reveal, type Secret } from "./secret.js";

/** How many seconds the clocks of sender and receiver may differ (Standard Webhooks 1.0). */
const toleranceSeconds = 300;

/** A webhook's message was not sent by the server, or not now. It holds no part of the message. */
export class WebhookError extends HydrapinError {
  override readonly name = "WebhookError";
}

/** A message as it came. */
export interface WebhookMessage {
  /** `webhook-id`, `webhook-timestamp` and `webhook-signature`, in a Headers or a plain object. */
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The body, byte for byte as it came: parsing and writing it again would break the signature. */
  readonly body: string | Uint8Array;
}

/**
 * Checks the signature and the time of a webhook's message (Standard Webhooks 1.0, HMAC-SHA-256, `v1`) and returns its
 * body as JSON. `secrets` are `whsec_…`, one or, while they rotate, several. Throws {@link WebhookError}.
 *
 * A webhook is notice that something happened, never a yes: only redeem lets a skill run.
 */
export async function verifyWebhook(
  secrets: string | Secret | readonly (string | Secret)[],
  message: WebhookMessage,
  now: Date = new Date(),
): Promise<Record<string, unknown>> {
  const id = header(message, "webhook-id");
  const timestamp = header(message, "webhook-timestamp");
  const signatures = header(message, "webhook-signature").split(" ");
  if (!/^\d{1,12}$/.test(timestamp)) throw new WebhookError("The webhook's timestamp is not a time.");
  if (Math.abs(now.getTime() / 1000 - Number(timestamp)) > toleranceSeconds)
    throw new WebhookError("The webhook's timestamp is more than five minutes from this machine's clock.");
  const body = typeof message.body === "string" ? new TextEncoder().encode(message.body) : message.body;
  const head = new TextEncoder().encode(`${id}.${timestamp}.`);
  const signed = new Uint8Array(head.length + body.length);
  signed.set(head);
  signed.set(body, head.length);
  for (const secret of Array.isArray(secrets) ? (secrets as readonly (string | Secret)[]) : [secrets as string]) {
    const key = await crypto.subtle.importKey("raw", keyOf(secret), { name: "HMAC", hash: "SHA-256" }, false, [
      "verify",
    ]);
    for (const signature of signatures) {
      const bytes = signature.startsWith("v1,") ? fromBase64(signature.slice(3)) : null;
      // The platform compares in constant time.
      if (bytes && (await crypto.subtle.verify("HMAC", key, bytes, signed))) return read(body);
    }
  }
  throw new WebhookError("No signature of the webhook is one of its secret.");
}

function header(message: WebhookMessage, name: string): string {
  const { headers } = message;
  const named = Object.entries(headers).filter(([given]) => given.toLowerCase() === name);
  const value: unknown = headers instanceof Headers ? headers.get(name) : named.length === 1 ? named[0]?.[1] : undefined;
  if (typeof value !== "string" || value === "") throw new WebhookError(`The header ${name} is missing or repeated.`);
  return value;
}

function keyOf(secret: string | Secret): Uint8Array<ArrayBuffer> {
  const bytes = fromBase64(reveal(secret).replace(/^whsec_/, ""));
  if (!bytes || bytes.length === 0) throw new WebhookError("A webhook's secret is whsec_ and base64.");
  return bytes;
}

function read(body: Uint8Array): Record<string, unknown> {
  try {
    const message: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    if (isObject(message)) return message;
  } catch {
    // The same: it is signed, and no message.
  }
  throw new WebhookError("The webhook's body is not a JSON object.");
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return null;
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}
