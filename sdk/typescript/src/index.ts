// What the package offers. Everything else may change without notice.
export { HydrapinClient, type VersionedPinPolicy } from "./client.js";
export { HydrapinRuntime, type RuntimeOptions, type WaitOptions } from "./runtime.js";
export type { Grant, GuardOptions } from "./guard.js";
export type { CallOptions, ClientOptions, Credentials, RetryOptions, TokenSource } from "./transport.js";
export { MAX_PARAMS_BYTES, MAX_PARAMS_DEPTH, ParamsError, canonicalParams, paramsDigest } from "./canonical.js";
export { NO_ACTION, ReceiptError, keysFromJwks, remoteKeys, verifyReceipt } from "./receipt.js";
export type { ExpectedReceipt, HolderType, KeySource, Receipt, ReceiptFault, ReceiptTrust } from "./receipt.js";
export { MemorySeen, type SeenStore } from "./seen.js";
export {
  AlreadyRedeemedError,
  BlockedError,
  BusyError,
  ChangedSinceApprovalError,
  ConnectionError,
  ExpiredError,
  ForbiddenError,
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
  ParamsMismatchError,
  PreconditionFailedError,
  ProblemError,
  TimeoutError,
  TooLargeError,
  TooManyRequestsError,
  UnauthorizedError,
  UnavailableError,
  UnexpectedAnswerError,
  UnsupportedMediaTypeError,
  ValidationError,
  WrongPinError,
} from "./errors.js";
export type * from "./types.js";
