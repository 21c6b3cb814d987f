import type { operations } from "./schema.js";
import {
  readCheckpoint,
  readConfirmation,
  readConfirmationList,
  readDecision,
  readEventConsistency,
  readEventLeaf,
  readEventList,
  readEventProof,
  readFreeze,
  readNothing,
  readPinLink,
  readPinPolicy,
  readPinStatus,
  readSvg,
} from "./shapes.js";

/** One operation of the contract, as this package calls it. */
export interface Operation {
  readonly method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  readonly path: string;
  /** The success statuses that the contract names; all others are errors. */
  readonly success: readonly number[];
  /** Reads the body of a success; undefined when it is not whole. */
  readonly read: (body: unknown) => unknown;
  /**
   * Whether it may be repeated when nobody knows what became of it. Nothing that spends an attempt, uses up an approval,
   * writes a PIN or changes a policy may.
   */
  readonly repeatable: boolean;
  /** Whether a success is text rather than JSON. */
  readonly text?: boolean;
}

const customerPin = "/v1/customers/{customer_id}/pin";
const identityPin = "/v1/instances/{instance_id}/identities/{identity_id}/pin";
const policy = "/v1/instances/{instance_id}/pin-policy";
const tenantFreeze = "/v1/freeze";
const instanceFreeze = "/v1/instances/{instance_id}/freeze";
const events = "/v1/pin-events";
const runtime = "/internal/v1/instances/{instance_id}";
const runtimePin = `${runtime}/identities/{identity_id}/pin`;
const confirmations = `${runtime}/confirmations`;
const confirmation = `${confirmations}/{confirmation_id}`;

function get<T>(path: string, read: (body: unknown) => T) {
  return { method: "GET", path, success: [200], read, repeatable: true } as const;
}
function write<T>(method: "POST" | "PATCH" | "PUT", path: string, read: (body: unknown) => T, ...success: number[]) {
  return { method, path, success: success.length > 0 ? success : [200], read, repeatable: false } as const;
}
function remove(path: string, repeatable: boolean) {
  return { method: "DELETE", path, success: [204], read: readNothing, repeatable } as const;
}

/** Every operation of the contract by its id: one that the contract gains does not compile until it is here. */
export const table = {
  getCustomerPinStatus: get(customerPin, readPinStatus),
  setCustomerPin: write("POST", customerPin, readPinStatus),
  removeCustomerPin: remove(customerPin, false),
  unlockCustomerPin: write("POST", `${customerPin}/unlock`, readPinStatus),
  getIdentityPinStatus: get(identityPin, readPinStatus),
  removeIdentityPin: remove(identityPin, false),
  unlockIdentityPin: write("POST", `${identityPin}/unlock`, readPinStatus),
  getPinPolicy: get(policy, readPinPolicy),
  updatePinPolicy: write("PATCH", policy, readPinPolicy),
  getTenantFreeze: get(tenantFreeze, readFreeze),
  setTenantFreeze: write("PUT", tenantFreeze, readFreeze),
  liftTenantFreeze: remove(tenantFreeze, false),
  getInstanceFreeze: get(instanceFreeze, readFreeze),
  setInstanceFreeze: write("PUT", instanceFreeze, readFreeze),
  liftInstanceFreeze: remove(instanceFreeze, false),
  createCustomerPinLink: write("POST", `${customerPin}-links`, readPinLink, 201),
  endCustomerPinLinks: remove(`${customerPin}-links`, false),
  createIdentityPinLink: write("POST", `${identityPin}-links`, readPinLink, 201),
  endIdentityPinLinks: remove(`${identityPin}-links`, false),
  listPinEvents: get(events, readEventList),
  getPinEvent: get(`${events}/{index}`, readEventLeaf),
  getPinEventCheckpoint: { ...get(`${events}/checkpoint`, readCheckpoint), text: true },
  getPinEventProof: get(`${events}/{index}/proof`, readEventProof),
  getPinEventConsistency: get(`${events}/consistency`, readEventConsistency),
  getMyPinStatus: get("/v1/me/pin", readPinStatus),
  setMyPin: write("PUT", "/v1/me/pin", readPinStatus),

  runtimeGetPinStatus: get(runtimePin, readPinStatus),
  runtimeSetPin: write("POST", runtimePin, readPinStatus),
  runtimeRemovePin: remove(runtimePin, false),
  runtimeCreatePinLink: write("POST", `${runtimePin}-links`, readPinLink, 201),
  runtimeEndPinLinks: remove(`${runtimePin}-links`, false),
  getConfirmationQr: { ...get(`${confirmation}/qr`, readSvg), text: true },
  getPinPolicyDecision: get(`${runtime}/pin-policy/decision`, readDecision),
  listConfirmations: get(confirmations, readConfirmationList),
  askConfirmation: write("POST", confirmations, readConfirmation, 200, 201),
  getConfirmation: get(confirmation, readConfirmation),
  verifyConfirmation: write("POST", `${confirmation}/verify`, readConfirmation),
  redeemConfirmation: write("POST", `${confirmation}/redeem`, readConfirmation),
  // The same outcome again changes nothing.
  reportOutcome: { ...write("POST", `${confirmation}/outcome`, readConfirmation), repeatable: true },
  declineConfirmation: remove(confirmation, true),
  endPinSessions: remove(`${runtime}/pin-sessions`, true),
} satisfies Record<keyof operations, Operation>;

/** The id of an operation. */
export type OperationId = keyof typeof table;
/** What an operation answers. */
export type AnswerOf<Id extends OperationId> = Exclude<ReturnType<(typeof table)[Id]["read"]>, undefined>;
