import { base64url, createLocalJWKSet, createRemoteJWKSet, customFetch, decodeProtectedHeader, errors, jwtVerify } from "jose";
import type { JSONWebKeySet, JWTPayload, JWTVerifyGetKey } from "jose";

import { isLoopback } from "./address.js";
import { ParamsError, paramsDigest } from "./canonical.js";
import { HydrapinError, isObject } from "./errors.js";
import { reveal, type Secret } from "./secret.js";
import type { SeenStore } from "./seen.js";
import { uuid } from "./transport.js";
import type { ActionParams, Role } from "./types.js";

/** The `typ` of a receipt's header. */
const receiptType = "pin-receipt+jwt";
/** How many seconds the clocks of server and skill may differ. */
const leewaySeconds = 30;
/** Bounds a receipt; a real one has about a kilobyte. */
const maxReceiptLength = 4096;

/** Expects that the skill as such was confirmed, without params. It is for skills that take none. */
export const NO_ACTION: unique symbol = Symbol("hydrapin: no action");

/** In what capacity somebody holds a PIN. The same UUID as customer and as identity are two holders. */
export type HolderType = "customer" | "identity";

/** What a receipt must prove. All of it must be said. */
export interface ExpectedReceipt {
  readonly tenantId: string;
  readonly instanceId: string;
  readonly holderType: HolderType;
  readonly holderId: string;
  /** Compared exactly. */
  readonly skill: string;
  /** The params that the skill is about to run with, or NO_ACTION for a skill that takes none. */
  readonly params: Readonly<ActionParams> | typeof NO_ACTION;
}

/** Where a server's published keys come from: {@link remoteKeys}, {@link keysFromJwks}, or a function of jose's kind. */
export type KeySource = JWTVerifyGetKey;

/** With what a receipt is checked. Make it when the program starts and keep it. */
export interface ReceiptTrust {
  /** The server's public URL, exactly as HYDRAPIN_PUBLIC_URL has it. */
  readonly issuer: string;
  readonly keys: KeySource;
  /** What finds a receipt that is used twice. Processes that run the same skill must share one. */
  readonly seen: SeenStore;
}

/** What a genuine receipt said that nobody had to expect. */
export interface Receipt {
  /** The confirmation. */
  readonly id: string;
  /** As it was asked for. */
  readonly skill: string;
  readonly role: Role;
  /** `pin`: a PIN for this very question; `session`: an earlier PIN, within its session. */
  readonly method: "pin" | "session";
  /** When that PIN was entered. */
  readonly authTime: Date;
  /** When the confirmation was approved. */
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

/**
 * Why a receipt was refused.
 *
 * - `expectation_incomplete`: the caller did not say, or not fully, what the receipt must prove
 * - `malformed`: its form, header or claims are not those of a receipt
 * - `unknown_key`, `keys_unavailable`: no published key of that id; the keys could not be had
 * - `bad_signature`, `expired`, `not_yet_valid`
 * - `mismatch`: it is genuine, and proves something else
 * - `replayed`: it was accepted before; `seen_unavailable`: the store that would know failed
 */
export type ReceiptErrorCode =
  | "expectation_incomplete"
  | "malformed"
  | "unknown_key"
  | "keys_unavailable"
  | "bad_signature"
  | "expired"
  | "not_yet_valid"
  | "mismatch"
  | "replayed"
  | "seen_unavailable";

/** A receipt was refused: the skill must not run. It holds no part of the receipt or of the params. */
export class ReceiptError extends HydrapinError {
  override readonly name = "ReceiptError";
  readonly code: ReceiptErrorCode;

  constructor(code: ReceiptErrorCode, message: string, cause?: unknown) {
    super(message, { status: null, requestId: null, cause });
    this.code = code;
  }
}

/**
 * Returns the receipt when it is genuine, in time, never seen before, and proves what is expected; only then may the
 * skill run. It counts as seen from then on: a refusal uses nothing up. Everything else is a {@link ReceiptError}.
 *
 * A receipt proves approval, not that it still holds: a PIN that was changed or locked since is seen only by the
 * server's redeem operation.
 */
export async function verifyReceipt(
  receipt: string | Secret,
  expected: ExpectedReceipt,
  trust: ReceiptTrust,
): Promise<Receipt> {
  const want = await complete(expected, trust);
  const payload = await open(reveal(receipt), want, trust);
  const claims = read(payload);
  for (const [claim, form] of forms) {
    const value: unknown = payload[claim];
    if (value === undefined && claim === "action_digest") continue;
    if (typeof value !== "string" || !form.test(value)) throw malformed(claim);
  }
  for (const [claim, same] of [
    ["iss", payload.iss === trust.issuer],
    ["tenant_id", payload["tenant_id"] === want.tenantId],
    ["aud", payload.aud === want.audience],
    ["holder_type", payload["holder_type"] === want.holderType],
    ["sub", payload.sub === want.holderId],
    ["skill", claims.skill === want.skill],
    ["action_digest", payload["action_digest"] === want.digest],
  ] as const) {
    if (!same) throw mismatch(claim);
  }
  if (claims.issuedAt.getTime() > Date.now() + leewaySeconds * 1000) {
    throw new ReceiptError("not_yet_valid", "The receipt was issued in the future, by this machine's clock.");
  }
  let first: unknown;
  try {
    first = await trust.seen.add(claims.id, new Date(claims.expiresAt.getTime() + leewaySeconds * 1000));
  } catch (cause) {
    throw new ReceiptError("seen_unavailable", "The store of seen receipts failed.", cause);
  }
  if (first !== true) throw new ReceiptError("replayed", "The receipt was already used.");
  return claims;
}

const id = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
/** The claims that are compared below, and the one form in which each is written. */
const forms = [
  ["aud", new RegExp(`^${id}/${id}$`)],
  ["sub", new RegExp(`^${id}$`)],
  ["tenant_id", new RegExp(`^${id}$`)],
  ["holder_type", /^(?:customer|identity)$/],
  ["action_digest", /^sha-256:[0-9a-f]{64}$/],
] as const;

/** What is expected, in the form in which it is compared. */
interface Wanted {
  readonly tenantId: string;
  readonly audience: string;
  readonly holderType: HolderType;
  readonly holderId: string;
  readonly skill: string;
  readonly digest: string | undefined;
}

// The types ask for all of it; JavaScript and `any` do not, and what is missing must not pass for "whatever".
async function complete(expected: ExpectedReceipt, trust: ReceiptTrust): Promise<Wanted> {
  if (!isObject(trust) || typeof trust.issuer !== "string" || trust.issuer === "") throw incomplete("issuer");
  if (typeof trust.keys !== "function") throw incomplete("keys");
  if (typeof (trust.seen as SeenStore | undefined)?.add !== "function") throw incomplete("seen");
  if (!isObject(expected)) throw incomplete("expected");
  const id = (name: "tenantId" | "instanceId" | "holderId") => {
    try {
      return uuid(expected[name], name);
    } catch (cause) {
      throw incomplete(name, cause);
    }
  };
  const tenantId = id("tenantId");
  const audience = `${tenantId}/${id("instanceId")}`;
  const { holderType, skill, params } = expected;
  if (holderType !== "customer" && holderType !== "identity") throw incomplete("holderType");
  const holderId = id("holderId");
  if (typeof skill !== "string" || skill === "" || skill.endsWith("*")) throw incomplete("skill");
  return { tenantId, audience, holderType, holderId, skill, digest: await expectedDigest(params) };
}

async function expectedDigest(params: ExpectedReceipt["params"]): Promise<string | undefined> {
  if (params === NO_ACTION) return undefined;
  try {
    return await paramsDigest(params);
  } catch (cause) {
    throw incomplete(cause instanceof ParamsError ? cause.message : "params", cause);
  }
}

/** Checks form, header, signature, issuer, audience and expiry, and returns the claims. */
async function open(token: string, want: Wanted, trust: ReceiptTrust): Promise<JWTPayload> {
  // jose reads base64url with white space in it, and a token has one spelling only.
  if (typeof token !== "string" || token.length > maxReceiptLength || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) {
    throw malformed("form");
  }
  const [head = "", body = ""] = token.split(".");
  if (!namesAreUnique(head) || !namesAreUnique(body)) throw malformed("a name occurs twice");
  try {
    requireHeader(decodeProtectedHeader(token));
    const { payload } = await jwtVerify(token, guarded(trust.keys), {
      algorithms: ["EdDSA"],
      typ: receiptType,
      issuer: trust.issuer,
      audience: want.audience,
      clockTolerance: leewaySeconds,
      requiredClaims: ["iss", "aud", "sub", "jti", "iat", "exp"],
    });
    return payload;
  } catch (error) {
    throw refusalOf(error);
  }
}

// Exactly these three, so that crit, jwk, jku, x5u and all that would have to be understood is refused.
function requireHeader(header: Record<string, unknown>): void {
  const { alg, typ, kid } = header;
  if (
    Object.keys(header).length !== 3 ||
    alg !== "EdDSA" ||
    typ !== receiptType ||
    typeof kid !== "string" ||
    kid === ""
  ) {
    throw malformed("header");
  }
}

/**
 * Whether no member of a part of the token, an object, has the same name twice: readers disagree on which one counts,
 * and JSON.parse takes the last in silence. What is no JSON at all is refused when it is read.
 */
function namesAreUnique(part: string): boolean {
  let text: string;
  try {
    text = new TextDecoder().decode(base64url.decode(part));
  } catch {
    return false;
  }
  const names = new Set<string>();
  let depth = 0;
  for (const [token, string, colon] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    if (!string || colon === undefined || depth !== 1) continue;
    let name: unknown;
    try {
      name = JSON.parse(string);
    } catch {
      return false;
    }
    if (names.has(name as string)) return false;
    names.add(name as string);
  }
  return true;
}

/** The source, whose errors are kept apart from those of the token. */
function guarded(keys: KeySource): KeySource {
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (cause) {
      if (cause instanceof errors.JWKSNoMatchingKey)
        throw new ReceiptError("unknown_key", "The receipt names a key that is not published.", cause);
      throw new ReceiptError("keys_unavailable", "The published keys are not available.", cause);
    }
  };
}

function refusalOf(error: unknown): ReceiptError {
  if (error instanceof ReceiptError) return error;
  if (error instanceof errors.JWTExpired) {
    // jose compares before it is known to be a time.
    if (!((error.payload.exp ?? 0) > 0)) return malformed("exp", error);
    return new ReceiptError("expired", "The receipt has expired.", error);
  }
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return new ReceiptError("bad_signature", "The receipt was not signed with the key that it names.", error);
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === "nbf") return new ReceiptError("not_yet_valid", "The receipt is not valid yet.", error);
    return error.reason === "check_failed" && (error.claim === "iss" || error.claim === "aud")
      ? mismatch(error.claim, error)
      : malformed(error.claim, error);
  }
  return malformed("form", error);
}

/** Reads what was signed. Unknown claims are ignored (RFC 7519, section 4), unknown values are refused. */
function read(payload: JWTPayload): Receipt {
  const { jti, skill, role, amr } = payload as Record<string, unknown>;
  const method: unknown = Array.isArray(amr) && amr.length === 1 ? amr[0] : undefined;
  if (typeof jti !== "string" || !isCanonicalUuid(jti)) throw malformed("jti");
  if (typeof skill !== "string" || skill === "") throw malformed("skill");
  if (role !== "owner" && role !== "customer") throw malformed("role");
  if (method !== "pin" && method !== "session") throw malformed("amr");
  // A session never covers an action.
  if (payload["action_digest"] !== undefined && method !== "pin") throw malformed("action_digest");
  return {
    id: jti,
    skill,
    role,
    method,
    authTime: timeOf(payload["auth_time"], "auth_time"),
    issuedAt: timeOf(payload.iat, "iat"),
    expiresAt: timeOf(payload.exp, "exp"),
  };
}

function isCanonicalUuid(text: string): boolean {
  try {
    return uuid(text, "jti") === text;
  } catch {
    return false;
  }
}

function timeOf(seconds: unknown, claim: string): Date {
  if (!Number.isInteger(seconds) || (seconds as number) <= 0 || (seconds as number) > 2 ** 40) throw malformed(claim);
  return new Date((seconds as number) * 1000);
}

const incomplete = (what: string, cause?: unknown) =>
  new ReceiptError("expectation_incomplete", `The expectation is incomplete: ${what}.`, cause);
const malformed = (what: string, cause?: unknown) =>
  new ReceiptError("malformed", `This is no receipt: ${what}.`, cause);
const mismatch = (claim: string, cause?: unknown) =>
  new ReceiptError("mismatch", `The receipt proves something else: ${claim}.`, cause);

/** The keys of a JWK Set that was had beforehand. */
export function keysFromJwks(jwks: JSONWebKeySet): KeySource {
  return createLocalJWKSet(jwks);
}

/**
 * The keys published at that address, usually the server's `/.well-known/jwks.json`: fetched when first needed, again
 * after an hour, and for an unknown id at most once a minute. The address must be https, or http on a loopback address.
 */
export function remoteKeys(address: string | URL): KeySource {
  const url = new URL(address);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
    throw new TypeError("keys must come from an https address, or http on a loopback address");
  }
  return createRemoteJWKSet(url, {
    cacheMaxAge: 3_600_000,
    cooldownDuration: 60_000,
    timeoutDuration: 10_000,
    // A redirect would let the keys come from an address that nobody named.
    [customFetch]: (resource, init) => fetch(resource, { ...init, redirect: "error", credentials: "omit" }),
  });
}
