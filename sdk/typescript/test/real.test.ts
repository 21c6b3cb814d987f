// Real calls against a started server: every operation, and what a person's "yes" and "no" come to.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, describe, test } from "node:test";
import { inspect } from "node:util";

import {
  AlreadyRedeemedError,
  ExpiredError,
  ForbiddenError,
  FrozenError,
  Admin,
  Runtime,
  IdempotencyConflictError,
  LockedError,
  NotApprovedError,
  NotConfirmedError,
  NotFoundError,
  NotRedeemedError,
  OutcomeAlreadySetError,
  ParamsMismatchError,
  PinNotSetError,
  PreconditionFailedError,
  Secret,
  UnauthorizedError,
  ValidationError,
  WrongPinError,
  paramsDigest,
  type NotConfirmedReason,
  type Question,
} from "@hydracore/hydrapin";

import { startServer } from "./server.js";

const server = await startServer();
after(() => server.stop());
const client = new Admin({ baseUrl: server.url, apiKey: server.apiKey });
const pin = "804615";
const skill = "payments.transfer";
const params = {
  amount: "250.00",
  currency: "EUR",
  to: "DE89370400440532013000",
  nested: { z: [1, 1.5e21 / 1e21, 0.1, -0], "€": "ö\u2028" },
};
const action = { summary: "Send 250.00 EUR", params };

/** An instance of its own that needs a PIN for all skills but "free", with a customer who has one. */
async function newInstance() {
  const instance = randomUUID();
  const customer = randomUUID();
  const runtime = new Runtime({
    baseUrl: server.url,
    apiKey: await server.runtimeKey(instance),
    instanceId: instance,
  });
  await client.setCustomerPin(customer, pin);
  await client.updatePinPolicy(instance, { pin_required_skills: [skill] });
  const question = { skill, role: "owner", customer_id: customer } as const satisfies Question;
  /** Enters a PIN when asked. */
  const enter = (entered: string) => ({
    onPending: async (c: { id: string }, { signal }: { signal: AbortSignal }) =>
      void (await runtime.verifyConfirmation(c.id, entered, { signal })),
  });
  return { instance, customer, runtime, question, enter };
}

function because(reason: NotConfirmedReason) {
  return (error: unknown) => error instanceof NotConfirmedError && error.reason === reason;
}

describe("the public operations", () => {
  test("a customer's PIN", async () => {
    const customer = randomUUID();
    assert.deepEqual(await client.getCustomerPinStatus(customer), {
      has_pin: false,
      is_active: false,
      is_locked: false,
      locked_until: null,
      created_at: null,
      set_by: null,
    });
    const set = await client.setCustomerPin(customer, pin);
    assert.deepEqual([set.has_pin, set.is_active], [true, true]);
    assert.deepEqual(await client.unlockCustomerPin(customer), set);
    await client.removeCustomerPin(customer);
    await client.removeCustomerPin(customer);
    assert.equal((await client.getCustomerPinStatus(customer)).has_pin, false);
  });
  test("a policy, with its version", async () => {
    const instance = randomUUID();
    const before = await client.getPinPolicy(instance);
    assert.deepEqual(before.policy, {
      instance_id: instance,
      pin_applies_to: "all",
      pin_required_skills: [],
      pin_session_ttl_minutes: 30,
      pin_must_be_own: false,
      pin_channels: "any",
    });
    assert.equal(before.etag, '"0"');
    const updated = await client.updatePinPolicy(
      instance,
      { pin_required_skills: ["a", "B", "b"], pin_session_ttl_minutes: null },
      { ifMatch: before.etag },
    );
    assert.deepEqual(updated.policy.pin_required_skills, ["a", "B"]);
    assert.equal((await client.getPinPolicy(instance)).etag, updated.etag);
    await assert.rejects(client.updatePinPolicy(instance, {}, { ifMatch: '"0"' }), PreconditionFailedError);
  });
  test("an identity's PIN, by admin and runtime", async () => {
    const { instance, runtime } = await newInstance();
    const identity = randomUUID();
    assert.equal((await runtime.runtimeSetPin(identity, pin)).has_pin, true);
    assert.equal((await client.getIdentityPinStatus(instance, identity)).has_pin, true);
    await assert.rejects(runtime.runtimeSetPin(identity, "492750"), ValidationError);
    await assert.rejects(runtime.runtimeSetPin(identity, "492750", { currentPin: "111222" }), WrongPinError);
    assert.equal((await runtime.runtimeSetPin(identity, "492750", { currentPin: pin })).is_active, true);
    assert.equal((await runtime.runtimeGetPinStatus(identity)).has_pin, true);
    await runtime.runtimeRemovePin(identity);
    assert.equal((await client.unlockIdentityPin(instance, identity)).has_pin, false);
    await client.removeIdentityPin(instance, identity);
  });
  test("my own PIN, by a token from a source", async () => {
    const customer = randomUUID();
    await client.setCustomerPin(customer, pin);
    const me = new Admin({
      baseUrl: server.url,
      token: () => server.run("token", "--tenant", server.tenant, "--customer", customer),
    });
    assert.equal((await me.getMyPinStatus()).has_pin, true);
    await assert.rejects(client.getMyPinStatus(), ForbiddenError);
    await assert.rejects(me.setMyPin("492750"), ValidationError);
    await assert.rejects(me.setMyPin("492750", { currentPin: "111222" }), WrongPinError);
    assert.equal((await me.setMyPin(new Secret("492750"), { currentPin: new Secret(pin) })).set_by, "holder");
    await client.removeCustomerPin(customer);
    await assert.rejects(me.setMyPin(pin), PinNotSetError);
  });
  test("PIN links of admin and runtime, once made and once ended", async () => {
    const { instance, customer, runtime } = await newInstance();
    const identity = randomUUID();
    const expiresInSeconds = 600;
    for (const [make, end] of [
      [
        () => client.createCustomerPinLink(customer, { expiresInSeconds }),
        () => client.endCustomerPinLinks(customer),
      ],
      [
        () => client.createIdentityPinLink(instance, identity, { expiresInSeconds }),
        () => client.endIdentityPinLinks(instance, identity),
      ],
      [
        () => runtime.runtimeCreatePinLink(identity, { expiresInSeconds }),
        () => runtime.runtimeEndPinLinks(identity),
      ],
    ] as const) {
      const link = await make();
      const url = link.url.reveal();
      assert.ok(url.startsWith(`${server.url}/set-pin/`) && !inspect(link).includes(url));
      const lives = Date.parse(link.expires_at) - Date.now();
      assert.ok(lives > 500_000 && lives <= 601_000, String(lives));
      assert.equal((await fetch(url)).status, 200);
      await end();
      assert.equal((await fetch(url)).status, 410);
    }
    await assert.rejects(runtime.runtimeCreatePinLink(identity, { expiresInSeconds: 86_400 }), ValidationError);
  });
});

describe("errors", () => {
  test("a weak PIN is a ValidationError with details and request id", async () => {
    const error: unknown = await client.setCustomerPin(randomUUID(), "1234").catch((e: unknown) => e);
    assert.ok(error instanceof ValidationError);
    assert.deepEqual(
      error.details.map((d) => [d.loc, d.type]),
      [[["body", "pin"], "pin_too_weak"]],
    );
    assert.equal(error.status, 422);
    assert.ok(error.requestId);
  });
  test("a bad key and a key of another kind", async () => {
    const stranger = new Admin({ baseUrl: server.url, apiKey: "hc_live_x_y" });
    await assert.rejects(stranger.getCustomerPinStatus(randomUUID()), UnauthorizedError);
    const { instance } = await newInstance();
    const platform = new Runtime({ baseUrl: server.url, apiKey: server.apiKey, instanceId: instance });
    await assert.rejects(
      platform.runtimeGetPinStatus(randomUUID()),
      (error: unknown) => error instanceof ForbiddenError && Boolean(error.requestId),
    );
  });
  test("incorrect PINs count down to a lock with its time, and an admin lifts it", async () => {
    const { runtime, question, customer } = await newInstance();
    const { id } = await runtime.askConfirmation(question);
    assert.ok(id);
    const remaining: number[] = [];
    for (let i = 0; i < 5; i++) {
      await assert.rejects(runtime.verifyConfirmation(id, "111222"), (error: unknown) => {
        assert.ok(error instanceof WrongPinError);
        remaining.push(error.attemptsRemaining);
        if (i === 4) assert.ok(error.lockedUntil && error.lockedUntil > new Date());
        return true;
      });
    }
    assert.deepEqual(remaining, [4, 3, 2, 1, 0]);
    await assert.rejects(runtime.verifyConfirmation(id, pin), (error: unknown) => {
      assert.ok(error instanceof LockedError);
      const minutes = (error.until.getTime() - Date.now()) / 60_000;
      assert.ok(minutes > 14 && minutes < 15.1, String(minutes));
      assert.ok((error.retryAfterSeconds ?? 0) > 800 && error.requestId);
      return true;
    });
    await assert.rejects(
      runtime.guard(question, () => assert.fail("ran")),
      (error: unknown) => error instanceof NotConfirmedError && error.detail === "pin_locked" && error.lockedUntil !== null,
    );
    await client.unlockCustomerPin(customer);
    assert.equal((await runtime.verifyConfirmation(id, pin)).status, "approved");
  });
});

describe("guard", () => {
  test("an action runs once, with the params that were confirmed", async () => {
    const { runtime, question, enter } = await newInstance();
    const q = { ...question, action };
    const grant = await runtime.guard(q, (g) => g, enter(pin));
    assert.deepEqual(grant.params, JSON.parse(JSON.stringify(params)));
    assert.equal(grant.confirmation.status, "redeemed");
    assert.equal(grant.confirmation.action_digest, await paramsDigest(params));
    assert.ok(grant.receipt);
    const { id } = grant.confirmation;
    await assert.rejects(runtime.redeemConfirmation(id ?? "", { skill, params }), AlreadyRedeemedError);
  });
  test("a skill without an action opens a session, which the next one uses and endPinSessions ends", async () => {
    const { runtime, question, enter, customer } = await newInstance();
    let asked = 0;
    const options = {
      onPending: (c: { id: string }, o: { signal: AbortSignal }) => (asked++, enter(pin).onPending(c, o)),
    };
    assert.equal(await runtime.guard(question, () => 1, options), 1);
    assert.equal(await runtime.guard(question, () => 2, options), 2);
    assert.equal(asked, 1);
    await runtime.endPinSessions({ customer_id: customer });
    assert.equal(await runtime.guard(question, () => 3, options), 3);
    assert.equal(asked, 2);
  });
  test("a skill that is not listed runs only where that is allowed", async () => {
    const { runtime, question } = await newInstance();
    const { confirmation, receipt } = await runtime.guard({ ...question, skill: "free", action }, (g) => g, {
      allowNotRequired: true,
    });
    await assert.rejects(
      runtime.guard({ ...question, skill: "free" }, () => assert.fail("ran")),
      because("not_required"),
    );
    assert.deepEqual([confirmation.status, receipt], ["not_required", null]);
  });
  test("no PIN, an incorrect PIN, a decline and an expiry run nothing", async () => {
    const { runtime, question, enter } = await newInstance();
    const fail = () => assert.fail("ran");
    await assert.rejects(
      runtime.guard({ ...question, customer_id: randomUUID() }, fail),
      (e: unknown) => e instanceof NotConfirmedError && e.reason === "blocked" && e.detail === "pin_not_set",
    );
    await assert.rejects(runtime.guard(question, fail, enter("111222")), because("incorrect_pin"));
    await assert.rejects(
      runtime.guard(question, fail, { onPending: (c) => runtime.declineConfirmation(c.id) }),
      because("declined"),
    );
    await assert.rejects(
      runtime.guard({ ...question, expires_in_seconds: 1 }, fail),
      because("expired"),
    );
  });
  test("the outcome may come from elsewhere", async () => {
    const { runtime, question } = await newInstance();
    const began = performance.now();
    const result = await runtime.guard(question, () => "ran", {
      onPending: (c) => void setTimeout(() => void runtime.verifyConfirmation(c.id, pin), 200),
    });
    assert.equal(result, "ran");
    assert.ok(performance.now() - began < 5_000, "the long poll was woken");
  });
  test("an abort declines", async () => {
    const { runtime, question } = await newInstance();
    const controller = new AbortController();
    let id = "";
    const run = runtime.guard(question, () => assert.fail("ran"), {
      signal: controller.signal,
      onPending: (c) => {
        id = c.id;
        controller.abort(new Error("enough"));
      },
    });
    await assert.rejects(run, because("cancelled"));
    const now = await runtime.getConfirmation(id);
    assert.deepEqual([now.status, now.reason], ["declined", "runtime"]);
  });
  test("with a key of its own, only one of two runs", async () => {
    const { runtime, question, enter } = await newInstance();
    const q = { ...question, idempotency_key: "run-7f3a-step-4", action };
    let runs = 0;
    await runtime.guard(q, () => runs++, enter(pin));
    await assert.rejects(
      runtime.guard(q, () => runs++, enter(pin)),
      NotConfirmedError,
    );
    await assert.rejects(
      runtime.guard({ ...q, role: "customer" }, () => runs++),
      (e: unknown) => e instanceof NotConfirmedError && e.cause instanceof IdempotencyConflictError,
    );
    assert.equal(runs, 1);
  });
});

describe("what a runtime and an operator see", () => {
  test("whether a skill needs a PIN", async () => {
    const { runtime } = await newInstance();
    assert.deepEqual(await runtime.getPinPolicyDecision(skill, "owner"), { required: true, reason: null });
    assert.deepEqual(await runtime.getPinPolicyDecision("free", "owner"), {
      required: false,
      reason: "skill_not_listed",
    });
  });
  test("the link of a question as a QR code, while it is pending", async () => {
    const { runtime, question } = await newInstance();
    const { id, confirm_url } = await runtime.askConfirmation({ ...question, action });
    assert.match(await runtime.getConfirmationQr(id ?? ""), /^(<\?xml[^>]*>\s*)?<svg/);
    assert.equal((await fetch(confirm_url ?? "")).status, 200);
    await runtime.declineConfirmation(id ?? "");
    assert.equal((await runtime.getConfirmation(id ?? "")).confirm_url, null);
    await assert.rejects(runtime.getConfirmationQr(id ?? ""), ExpiredError);
  });
  test("the open confirmations, by page, holder and status", async () => {
    const { runtime, question, customer } = await newInstance();
    const ids: (string | null)[] = [];
    for (let n = 0; n < 5; n++) ids.unshift((await runtime.askConfirmation({ ...question, action })).id);
    await runtime.verifyConfirmation(ids[4] ?? "", pin);
    const listed: (string | null)[] = [];
    for await (const { id } of runtime.confirmations({}, { limit: 2 })) listed.push(id);
    assert.deepEqual(listed, ids);
    const first = await runtime.listConfirmations({ status: "pending", customer_id: customer }, { limit: 3 });
    assert.deepEqual([first.confirmations.map((c) => c.id), typeof first.next], [ids.slice(0, 3), "string"]);
    const rest = await runtime.listConfirmations({ status: "pending" }, { after: first.next ?? "" });
    assert.deepEqual([rest.confirmations.map((c) => c.id), rest.next], [[ids[3]], null]);
    assert.deepEqual((await runtime.listConfirmations({ identity_id: randomUUID() })).confirmations, []);
  });
  test("the outcome: guard reports it, and another one is refused", async () => {
    const { runtime, question, enter } = await newInstance();
    const { confirmation } = await runtime.guard({ ...question, action }, (g) => g, enter(pin));
    const id = confirmation.id ?? "";
    const seen = await runtime.getConfirmation(id);
    assert.equal(seen.outcome, "executed");
    assert.ok(seen.outcome_at);
    assert.equal((await runtime.reportOutcome(id, "executed", { detail: "Done." })).outcome, "executed");
    await assert.rejects(runtime.reportOutcome(id, "failed"), OutcomeAlreadySetError);
    const open = await runtime.askConfirmation(question);
    await assert.rejects(runtime.reportOutcome(open.id ?? "", "executed"), NotRedeemedError);
    let failed = "";
    const fail = ({ confirmation: c }: { confirmation: { id: string | null } }) => {
      failed = c.id ?? "";
      throw new Error("the bank said no");
    };
    await assert.rejects(runtime.guard({ ...question, action }, fail, enter(pin)), /the bank said no/);
    assert.equal((await runtime.getConfirmation(failed)).outcome, "failed");
  });
  test("the same call finds its confirmation, runs once, and then asks anew", async () => {
    const { runtime, question, enter } = await newInstance();
    const call = { ...question, action, call_key: "send-money-5b1e" };
    const first = await runtime.askConfirmation(call);
    assert.equal((await runtime.askConfirmation(call)).id, first.id);
    await assert.rejects(runtime.askConfirmation({ ...call, role: "customer" }), IdempotencyConflictError);
    const grant = await runtime.guard(call, (g) => g, enter(pin));
    assert.equal(grant.confirmation.id, first.id);
    assert.notEqual((await runtime.askConfirmation(call)).id, first.id);
  });
  test("a freeze stops an instance until it is lifted", async () => {
    const { instance, runtime, question, enter } = await newInstance();
    assert.deepEqual(await client.getInstanceFreeze(instance), { frozen: false, since: null, by: null, reason: null });
    const { id } = await runtime.askConfirmation(question);
    const frozen = await client.setInstanceFreeze(instance, { reason: "Odd messages." });
    assert.deepEqual([frozen.frozen, frozen.reason], [true, "Odd messages."]);
    await assert.rejects(runtime.verifyConfirmation(id ?? "", pin), FrozenError);
    await assert.rejects(
      runtime.guard(question, () => assert.fail("ran")),
      (e: unknown) => e instanceof NotConfirmedError && e.reason === "blocked" && e.detail === "frozen",
    );
    assert.deepEqual(await runtime.getPinPolicyDecision("free", "owner"), { required: true, reason: "frozen" });
    await client.liftInstanceFreeze(instance);
    await client.liftInstanceFreeze(instance);
    assert.equal(await runtime.guard(question, () => "ran", enter(pin)), "ran");
  });
});

test("other params, another skill, too early and another instance are refused", async () => {
  const { runtime, question } = await newInstance();
  const { id } = await runtime.askConfirmation({ ...question, action });
  assert.ok(id);
  await assert.rejects(runtime.redeemConfirmation(id, { skill, params }), NotApprovedError);
  await runtime.verifyConfirmation(id, pin);
  await assert.rejects(
    runtime.redeemConfirmation(id, { skill, params: { ...params, amount: "251.00" } }),
    ParamsMismatchError,
  );
  await assert.rejects(runtime.redeemConfirmation(id, { skill }), ParamsMismatchError);
  await assert.rejects(runtime.redeemConfirmation(id, { skill: "other", params }), ParamsMismatchError);
  const other = await newInstance();
  await assert.rejects(other.runtime.getConfirmation(id), NotFoundError);
  assert.equal((await runtime.redeemConfirmation(id, { skill, params })).status, "redeemed");
});

// On a server of its own, as it would stop the tests beside it.
test("a freeze of the tenant stops every instance", async () => {
  const own = await startServer();
  try {
    const admin = new Admin({ baseUrl: own.url, apiKey: own.apiKey });
    const [instance, customer] = [randomUUID(), randomUUID()];
    const runtime = new Runtime({ baseUrl: own.url, apiKey: await own.runtimeKey(instance), instanceId: instance });
    assert.equal((await admin.setTenantFreeze()).frozen, true);
    assert.equal((await admin.getTenantFreeze()).reason, null);
    assert.equal((await runtime.askConfirmation({ skill, role: "owner", customer_id: customer })).reason, "frozen");
    await admin.liftTenantFreeze();
    assert.equal((await admin.getTenantFreeze()).frozen, false);
  } finally {
    await own.stop();
  }
});
