import type { Confirmation, Problem, ProblemCode, ValidationDetail } from "./types.js";

/** What every error of this package carries. */
export interface ErrorContext {
  /** The HTTP status, or null where there was no answer. */
  readonly status: number | null;
  /** The id under which the server logged the request, or null where it named none. */
  readonly requestId: string | null;
  readonly cause?: unknown;
}

const nowhere: ErrorContext = { status: null, requestId: null };

/** The base of every error of this package. Whatever its kind, the skill must not run. It never holds a PIN or a key. */
export class HydrapinError extends Error {
  override readonly name: string = "HydrapinError";
  readonly status: number | null;
  readonly requestId: string | null;

  constructor(message: string, context: ErrorContext = nowhere) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.status = context.status;
    this.requestId = context.requestId;
  }
}

/** No whole answer came: the connection failed. What the request asked for may have happened all the same. */
export class ConnectionError extends HydrapinError {
  override readonly name = "ConnectionError";
}

/** No whole answer came in time. What the request asked for may have happened all the same. */
export class TimeoutError extends HydrapinError {
  override readonly name = "TimeoutError";
}

/** An answer that is not recognised: another status, another form, or another program's. It means no. */
export class UnexpectedAnswerError extends HydrapinError {
  override readonly name = "UnexpectedAnswerError";
}

/** 422: the request was not valid. */
export class ValidationError extends HydrapinError {
  override readonly name = "ValidationError";
  /** Every validation error of the request; never the value. */
  readonly details: readonly ValidationDetail[];

  constructor(details: readonly ValidationDetail[], context: ErrorContext) {
    super(
      details.map((d) => `${d.loc.join(".")}: ${d.msg} (${d.type})`).join("; ") || "The request is not valid.",
      context,
    );
    this.details = details;
  }
}

/** What a problem document is turned into. */
interface ProblemContext extends ErrorContext {
  readonly problem: Problem;
  readonly retryAfterSeconds: number | null;
}

/** An answer that is a problem document (RFC 9457). There is a subclass for each code. */
export abstract class ProblemError extends HydrapinError {
  /** What went wrong, for programs. */
  abstract readonly code: string;
  /** The document as it came. */
  readonly problem: Problem;
  /** After how many seconds to try again, where the server said so. */
  readonly retryAfterSeconds: number | null;

  constructor(context: ProblemContext) {
    super(context.problem.detail, context);
    this.problem = context.problem;
    this.retryAfterSeconds = context.retryAfterSeconds;
  }
}

/** A problem whose code this version does not know: a newer server's. */
export class UnknownProblemError extends ProblemError {
  override readonly name = "UnknownProblemError";
  override readonly code: string;

  constructor(context: ProblemContext, code: string) {
    super(context);
    this.code = code;
  }
}

/** 401: no credential, or a bad one. */
export class UnauthorizedError extends ProblemError {
  override readonly name = "UnauthorizedError";
  override readonly code = "unauthorized";
}

/** 403: the credential is good and does not open this. */
export class ForbiddenError extends ProblemError {
  override readonly name = "ForbiddenError";
  override readonly code = "forbidden";
}

/** 403: the PIN was incorrect. */
export class WrongPinError extends ProblemError {
  override readonly name = "WrongPinError";
  override readonly code = "wrong-pin";
  /** How many attempts are left to the next lock or deactivation. */
  readonly attemptsRemaining: number;
  /** When the lock ends that this attempt set, or null. */
  readonly lockedUntil: Date | null;

  constructor(context: ProblemContext, attemptsRemaining: number) {
    super(context);
    this.attemptsRemaining = attemptsRemaining;
    this.lockedUntil = timeOf(context.problem.locked_until);
  }
}

/** 423: incorrect PINs have locked the PIN for a time. */
export class LockedError extends ProblemError {
  override readonly name = "LockedError";
  override readonly code = "pin-locked";
  /** When the lock ends. */
  readonly until: Date;

  constructor(context: ProblemContext, until: Date) {
    super(context);
    this.until = until;
  }
}

/** 423: incorrect PINs have deactivated the PIN, until an admin unlocks or replaces it. */
export class InactiveError extends ProblemError {
  override readonly name = "InactiveError";
  override readonly code = "pin-inactive";
}

/** 409: the confirmation is no longer pending. */
export class NotPendingError extends ProblemError {
  override readonly name = "NotPendingError";
  override readonly code = "not-pending";
}

/** 409: the confirmation is not approved. */
export class NotApprovedError extends ProblemError {
  override readonly name = "NotApprovedError";
  override readonly code = "not-approved";
}

/** 410: the confirmation has expired. */
export class ExpiredError extends ProblemError {
  override readonly name = "ExpiredError";
  override readonly code = "expired";
}

/** 409: the confirmation was redeemed before. */
export class AlreadyRedeemedError extends ProblemError {
  override readonly name = "AlreadyRedeemedError";
  override readonly code = "already-redeemed";
}

/** 409: what is about to run is not what was confirmed. */
export class ParamsMismatchError extends ProblemError {
  override readonly name = "ParamsMismatchError";
  override readonly code = "params-mismatch";
}

/** 403: the PIN or the session changed after the approval. */
export class ChangedSinceApprovalError extends ProblemError {
  override readonly name = "ChangedSinceApprovalError";
  override readonly code = "changed-since-approval";
}

/** 409: the key was used for another question. */
export class IdempotencyConflictError extends ProblemError {
  override readonly name = "IdempotencyConflictError";
  override readonly code = "idempotency-conflict";
}

/** 412: the policy has another version than the one that was read. */
export class PreconditionFailedError extends ProblemError {
  override readonly name = "PreconditionFailedError";
  override readonly code = "precondition-failed";
}

/** 404: there is no such record or address. */
export class NotFoundError extends ProblemError {
  override readonly name = "NotFoundError";
  override readonly code = "not-found";
}

/** 405: the address does not know this method. */
export class MethodNotAllowedError extends ProblemError {
  override readonly name = "MethodNotAllowedError";
  override readonly code = "method-not-allowed";
}

/** 413: the body is too large. */
export class TooLargeError extends ProblemError {
  override readonly name = "TooLargeError";
  override readonly code = "too-large";
}

/** 415: the body is not application/json. */
export class UnsupportedMediaTypeError extends ProblemError {
  override readonly name = "UnsupportedMediaTypeError";
  override readonly code = "unsupported-media-type";
}

/** 403: the instance or its tenant is frozen; nothing was spent. */
export class FrozenError extends ProblemError {
  override readonly name = "FrozenError";
  override readonly code = "frozen";
}

/** 403: the policy allows PINs on the page only; nothing was spent. */
export class PageOnlyError extends ProblemError {
  override readonly name = "PageOnlyError";
  override readonly code = "page-only";
}

/** 403: the policy wants a PIN that its holder chose; nothing was spent. */
export class PinNotOwnError extends ProblemError {
  override readonly name = "PinNotOwnError";
  override readonly code = "pin-not-own";
}

/** 409: no PIN is set, and the server does not allow the first one to be set this way. */
export class PinNotSetError extends ProblemError {
  override readonly name = "PinNotSetError";
  override readonly code = "pin-not-set";
}

/** 409: another outcome was reported before. */
export class OutcomeAlreadySetError extends ProblemError {
  override readonly name = "OutcomeAlreadySetError";
  override readonly code = "outcome-already-set";
}

/** 409: the confirmation was not redeemed, so it has no outcome. */
export class NotRedeemedError extends ProblemError {
  override readonly name = "NotRedeemedError";
  override readonly code = "not-redeemed";
}

/** 409: the tenant has as many webhooks as it can have. */
export class TooManyWebhooksError extends ProblemError {
  override readonly name = "TooManyWebhooksError";
  override readonly code = "too-many-webhooks";
}

/** 409: nothing is sent to a webhook that is disabled. */
export class WebhookDisabledError extends ProblemError {
  override readonly name = "WebhookDisabledError";
  override readonly code = "webhook-disabled";
}

/** 429: too many requests, or too many open confirmations of this holder. */
export class TooManyRequestsError extends ProblemError {
  override readonly name = "TooManyRequestsError";
  override readonly code = "too-many-requests";
}

/** 503: too many PINs are being checked; nothing was spent. */
export class BusyError extends ProblemError {
  override readonly name = "BusyError";
  override readonly code = "busy";
}

/** 503: the server or its database cannot answer now. */
export class UnavailableError extends ProblemError {
  override readonly name = "UnavailableError";
  override readonly code = "unavailable";
}

/** 500: an error of the server; its log has the cause under the request id. */
export class InternalError extends ProblemError {
  override readonly name = "InternalError";
  override readonly code = "internal";
}

/**
 * Why `guard` did not run the function. The list is closed.
 *
 * - `not_required`: the policy asks for no PIN, and `allowNotRequired` is not set
 * - `blocked`: no PIN can be entered now; `detail` says why (`pin_not_set`, `pin_locked`, `frozen`, …)
 * - `incorrect_pin`, `locked`: what `onPending` entered was refused
 * - `declined`: `detail` says by whom or why (`holder`, `runtime`, `wrong_pin`, `pin_changed`, …)
 * - `expired`: the time to answer, or to redeem, is over
 * - `still_pending`: `waitMs` is over; the question stays, and the same idempotency key finds it again
 * - `cancelled`: the signal fired, or `onPending` threw
 * - `unreachable`: no answer, or one that says that the server cannot answer now
 * - `refused`: the server refused a call
 * - `unrecognised`: an answer that is not one of the contract's, or of another question
 * - `invalid`: the question cannot be asked
 */
export type NotConfirmedReason =
  | "not_required"
  | "blocked"
  | "incorrect_pin"
  | "locked"
  | "declined"
  | "expired"
  | "still_pending"
  | "cancelled"
  | "unreachable"
  | "refused"
  | "unrecognised"
  | "invalid";

/** `guard` did not run the function. There is no other error for it; `cause` is what led to it. */
export class NotConfirmedError extends HydrapinError {
  override readonly name = "NotConfirmedError";
  readonly reason: NotConfirmedReason;
  /** The server's own reason for `blocked` and `declined`, one that this version does not know included; else null. */
  readonly detail: string | null;
  /** The confirmation as it was last seen, or null where there was none. */
  readonly confirmation: Confirmation | null;
  /** When the PIN's lock ends, where it is locked. */
  readonly lockedUntil: Date | null;

  constructor(
    reason: NotConfirmedReason,
    message: string,
    more: { readonly confirmation?: Confirmation | null; readonly cause?: unknown; readonly context?: ErrorContext } = {},
  ) {
    const { confirmation = null, cause } = more;
    const from = cause instanceof HydrapinError ? { status: cause.status, requestId: cause.requestId } : nowhere;
    super(message, { ...from, ...more.context, cause });
    this.reason = reason;
    this.confirmation = confirmation;
    this.detail = reason === "blocked" || reason === "declined" ? (confirmation?.reason ?? null) : null;
    this.lockedUntil =
      cause instanceof LockedError
        ? cause.until
        : cause instanceof WrongPinError
          ? cause.lockedUntil
          : timeOf(confirmation?.locked_until);
  }
}

// A code that the contract gains does not compile until it has a class here.
const classes: Record<ProblemCode, (context: ProblemContext) => ProblemError | null> = {
  unauthorized: (c) => new UnauthorizedError(c),
  forbidden: (c) => new ForbiddenError(c),
  "wrong-pin": (c) =>
    typeof c.problem.attempts_remaining === "number" ? new WrongPinError(c, c.problem.attempts_remaining) : null,
  "pin-locked": (c) => {
    const until = timeOf(c.problem.locked_until);
    return until && new LockedError(c, until);
  },
  "pin-inactive": (c) => new InactiveError(c),
  "not-pending": (c) => new NotPendingError(c),
  "not-approved": (c) => new NotApprovedError(c),
  expired: (c) => new ExpiredError(c),
  "already-redeemed": (c) => new AlreadyRedeemedError(c),
  "params-mismatch": (c) => new ParamsMismatchError(c),
  "changed-since-approval": (c) => new ChangedSinceApprovalError(c),
  "idempotency-conflict": (c) => new IdempotencyConflictError(c),
  "precondition-failed": (c) => new PreconditionFailedError(c),
  "not-found": (c) => new NotFoundError(c),
  "method-not-allowed": (c) => new MethodNotAllowedError(c),
  "too-large": (c) => new TooLargeError(c),
  "unsupported-media-type": (c) => new UnsupportedMediaTypeError(c),
  "too-many-requests": (c) => new TooManyRequestsError(c),
  busy: (c) => new BusyError(c),
  unavailable: (c) => new UnavailableError(c),
  internal: (c) => new InternalError(c),
  frozen: (c) => new FrozenError(c),
  "page-only": (c) => new PageOnlyError(c),
  "pin-not-own": (c) => new PinNotOwnError(c),
  "pin-not-set": (c) => new PinNotSetError(c),
  "outcome-already-set": (c) => new OutcomeAlreadySetError(c),
  "not-redeemed": (c) => new NotRedeemedError(c),
  "too-many-webhooks": (c) => new TooManyWebhooksError(c),
  "webhook-disabled": (c) => new WebhookDisabledError(c),
};

const problemPrefix = "urn:hydrapin:problem:";

/** Turns an answer that is no success into an error. */
export function errorOf(response: Response, body: unknown): HydrapinError {
  const context = contextOf(response, body);
  const error = response.status === 422 ? validationOf(body, context) : problemOf(response, body, context);
  return (
    error ?? new UnexpectedAnswerError(`The answer is not one of hydrapin's (status ${response.status}).`, context)
  );
}

/** Says where an answer came from. */
export function contextOf(response: Response, body?: unknown): ErrorContext & { readonly status: number } {
  const named = isObject(body) && typeof body["request_id"] === "string" ? body["request_id"] : null;
  return { status: response.status, requestId: named ?? response.headers.get("X-Request-Id") };
}

/** The seconds of a Retry-After header (RFC 9110, section 10.2.3), or null. */
export function retryAfterOf(response: Response): number | null {
  const value = response.headers.get("Retry-After");
  if (value === null) return null;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function validationOf(body: unknown, context: ErrorContext): ValidationError | null {
  if (!isObject(body) || !Array.isArray(body["detail"])) return null;
  const details: unknown[] = body["detail"];
  return details.every(isDetail) ? new ValidationError(details, context) : null;
}

function isDetail(value: unknown): value is ValidationDetail {
  return (
    isObject(value) &&
    Array.isArray(value["loc"]) &&
    typeof value["msg"] === "string" &&
    typeof value["type"] === "string"
  );
}

function problemOf(response: Response, body: unknown, context: ErrorContext): ProblemError | null {
  if (!isProblem(body)) return null;
  const code = body.type.slice(problemPrefix.length);
  const known = { ...context, problem: body, retryAfterSeconds: retryAfterOf(response) };
  return isCode(code) ? classes[code](known) : new UnknownProblemError(known, code);
}

function isCode(code: string): code is ProblemCode {
  return Object.hasOwn(classes, code);
}

function isProblem(body: unknown): body is Problem {
  return (
    isObject(body) &&
    typeof body["type"] === "string" &&
    body["type"].startsWith(problemPrefix) &&
    typeof body["detail"] === "string"
  );
}

function timeOf(text: string | null | undefined): Date | null {
  if (typeof text !== "string") return null;
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? null : time;
}
