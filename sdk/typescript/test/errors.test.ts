import assert from "node:assert/strict";
import { after, test } from "node:test";

import * as sdk from "@hydracore/hydrapin";

import { customer, problem, startFake } from "./fake.js";

// Status and class of every code of the contract.
const table: Record<sdk.ProblemCode, [number, string]> = {
  unauthorized: [401, "UnauthorizedError"],
  forbidden: [403, "ForbiddenError"],
  "wrong-pin": [403, "WrongPinError"],
  "pin-locked": [423, "LockedError"],
  "pin-inactive": [423, "InactiveError"],
  "not-pending": [409, "NotPendingError"],
  "not-approved": [409, "NotApprovedError"],
  expired: [410, "ExpiredError"],
  "already-redeemed": [409, "AlreadyRedeemedError"],
  "params-mismatch": [409, "ParamsMismatchError"],
  "changed-since-approval": [403, "ChangedSinceApprovalError"],
  "idempotency-conflict": [409, "IdempotencyConflictError"],
  "precondition-failed": [412, "PreconditionFailedError"],
  "not-found": [404, "NotFoundError"],
  "method-not-allowed": [405, "MethodNotAllowedError"],
  "too-large": [413, "TooLargeError"],
  "unsupported-media-type": [415, "UnsupportedMediaTypeError"],
  "too-many-requests": [429, "TooManyRequestsError"],
  busy: [503, "BusyError"],
  unavailable: [503, "UnavailableError"],
  internal: [500, "InternalError"],
  "page-only": [403, "PageOnlyError"],
  "pin-not-own": [403, "PinNotOwnError"],
  "pin-not-set": [409, "PinNotSetError"],
  frozen: [403, "FrozenError"],
  "outcome-already-set": [409, "OutcomeAlreadySetError"],
  "not-redeemed": [409, "NotRedeemedError"],
  "too-many-webhooks": [409, "TooManyWebhooksError"],
  "webhook-disabled": [409, "WebhookDisabledError"],
};

let reply = problem("internal", 500);
const server = await startFake(() => reply);
after(() => server.stop());
const client = new sdk.Admin({ baseUrl: server.url, apiKey: "k" });
const caught = (): Promise<unknown> =>
  client.setCustomerPin(customer, "804615").then(
    () => assert.fail("no error"),
    (error: unknown) => error,
  );

for (const [code, [status, name]] of Object.entries(table)) {
  test(`${code} is a ${name}`, async () => {
    reply = problem(code, status, { attempts_remaining: 3, locked_until: "2026-11-01T09:45:00.000000Z" });
    const error = await caught();
    assert.ok(error instanceof (sdk as unknown as Record<string, new () => object>)[name]!);
    assert.ok(error instanceof sdk.ProblemError && error instanceof sdk.HydrapinError && error instanceof Error);
    assert.deepEqual(
      [error.name, error.code, error.status, error.requestId, error.message],
      [name, code, status, "req-1", `detail of ${code}`],
    );
    if (error instanceof sdk.WrongPinError) assert.equal(error.attemptsRemaining, 3);
    if (error instanceof sdk.LockedError) assert.equal(error.until.toISOString(), "2026-11-01T09:45:00.000Z");
  });
}

test("422 is a ValidationError with every error", async () => {
  const detail = [
    { loc: ["body", "pin"], msg: "String should have at least 4 characters", type: "string_too_short" },
    { loc: ["body", 3], msg: "Bad", type: "json_invalid" },
  ];
  reply = { status: 422, headers: { "X-Request-Id": "req-2" }, body: { detail } };
  const error = await caught();
  assert.ok(error instanceof sdk.ValidationError);
  assert.deepEqual(error.details, detail);
  assert.deepEqual([error.status, error.requestId], [422, "req-2"]);
  assert.match(error.message, /^body\.pin: String should have at least 4 characters \(string_too_short\); body\.3/);
});

test("no answer is a ConnectionError that says why", async () => {
  reply = { hangUp: true };
  const error = await caught();
  assert.ok(error instanceof sdk.ConnectionError);
  assert.deepEqual([error.status, error.requestId], [null, null]);
  assert.ok(error.cause instanceof Error);
});
