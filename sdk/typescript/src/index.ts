// What the package offers. Everything else may change without notice.
export {
  Admin,
  type EventFilter,
  type EventPageOptions,
  type FreezeOptions,
  type LinkOptions,
  type VersionedPinPolicy,
} from "./admin.js";
export { Runtime, type OutcomeOptions, type PageOptions, type RuntimeOptions, type WaitOptions } from "./runtime.js";
export { Secret } from "./secret.js";
export { sentenceFor } from "./tool.js";
export { MAX_SUMMARY_LENGTH, SummaryError, summary } from "./summary.js";
export { WebhookError, verifyWebhook, type WebhookMessage } from "./webhook.js";
export type { Grant, GuardOptions } from "./guard.js";
export type { CallOptions, ClientOptions, Credentials, ResponseInfo, RetryOptions, TokenSource } from "./transport.js";
export { MAX_PARAMS_BYTES, MAX_PARAMS_DEPTH, ParamsError, canonicalParams, paramsDigest } from "./canonical.js";
export { NO_ACTION, ReceiptError, keysFromJwks, remoteKeys, verifyReceipt } from "./receipt.js";
export type { ExpectedReceipt, HolderType, KeySource, Receipt, ReceiptErrorCode, ReceiptTrust } from "./receipt.js";
export { MemorySeen, type SeenStore } from "./seen.js";
export {
  AlreadyRedeemedError,
  BusyError,
  ChangedSinceApprovalError,
  ConnectionError,
  ExpiredError,
  ForbiddenError,
  FrozenError,
  HydrapinError,
  IdempotencyConflictError,
  InactiveError,
  InternalError,
  LockedError,
  MethodNotAllowedError,
  NotApprovedError,
  NotConfirmedError,
  NotFoundError,
  NotPendingError,
  NotRedeemedError,
  OutcomeAlreadySetError,
  PageOnlyError,
  ParamsMismatchError,
  PinNotOwnError,
  PinNotSetError,
  PreconditionFailedError,
  ProblemError,
  TimeoutError,
  TooLargeError,
  TooManyRequestsError,
  UnauthorizedError,
  UnavailableError,
  UnexpectedAnswerError,
  UnknownProblemError,
  UnsupportedMediaTypeError,
  ValidationError,
  WrongPinError,
  type NotConfirmedReason,
} from "./errors.js";
export type * from "./types.js";
