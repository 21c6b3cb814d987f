import assert from "node:assert/strict";
import { after, describe, test } from "node:test";

import {
  NotConfirmedError,
  Runtime,
  Secret,
  WrongPinError,
  paramsDigest,
} from "@hydracore/hydrapin";
import type { GuardOptions, NotConfirmedReason, Question } from "@hydracore/hydrapin";

import {
  confirmation,
  confirmationId,
  customer,
  identity,
  instance,
  problem,
  startFake,
  type Reply,
  type Seen,
} from "./fake.js";

const stops: (() => Promise<void>)[] = [];
after(() => Promise.all(stops.map((stop) => stop())));

const question: Question = { skill: "payments.transfer", role: "owner", customer_id: customer };
const params = { amount: "250.00", to: "DE89" };
const withAction: Question = { ...question, action: { summary: "Send", params } };
const digest = await paramsDigest(params);

type Step = "ask" | "wait" | "redeem" | "decline" | "verify" | "outcome";
type Script = Partial<Record<Step, (seen: Seen) => Reply | Promise<Reply>>>;

/** A runtime whose server follows the script, and what was called. */
async function scripted(script: Script) {
  const steps: string[] = [];
  const server = await startFake((seen) => {
    const step =
      seen.method === "DELETE"
        ? "decline"
        : seen.method === "GET"
          ? "wait"
          : (/\/(verify|redeem|outcome)$/.exec(seen.path)?.[1] ?? "ask");
    steps.push(step);
    return script[step as keyof Script]?.(seen) ?? (step === "decline" ? { status: 204 } : problem("internal", 500));
  });
  stops.push(server.stop);
  const runtime = new Runtime({
    baseUrl: server.url,
    apiKey: "hc_agent_a_b",
    instanceId: instance,
    retry: { attempts: 2, baseDelayMs: 1 },
  });
  const ran: unknown[] = [];
  const run = (q: Question = question, options?: GuardOptions) =>
    runtime.guard(
      q,
      (grant) => {
        ran.push(grant);
        return "done";
      },
      options,
    );
  return { runtime, run, ran, steps, seen: server.seen };
}

const created = (more: Record<string, unknown> = {}): Reply => ({ status: 201, body: confirmation(more) });
const ok = (more: Record<string, unknown> = {}): Reply => ({ body: confirmation(more) });
const approved = { status: "approved", reason: "pin", receipt: "a.b.c" };
const notStored = { id: null, created_at: null, expires_at: null };
const yes: Script = { ask: () => created(), wait: () => ok(approved), redeem: () => ok({ status: "redeemed" }) };

// The script answers the report with a 500, which changes nothing.
const reported = ["outcome"];

describe("runs", () => {
  test("when no PIN is required and that is allowed", async () => {
    const g = await scripted({ ask: () => ok({ ...notStored, status: "not_required", reason: "skill_not_listed" }) });
    assert.equal(await g.run(question, { allowNotRequired: true }), "done");
    assert.deepEqual(g.steps, ["ask"]);
  });
  test("when a session approved it", async () => {
    const g = await scripted({ ...yes, ask: () => created({ ...approved, reason: "session" }) });
    assert.equal(await g.run(), "done");
    assert.deepEqual(g.steps, ["ask", "redeem", ...reported]);
    assert.equal((g.ran[0] as { receipt: Secret }).receipt.reveal(), "a.b.c");
  });
  test("after a PIN, with what was confirmed", async () => {
    const body = { action_digest: digest, action_summary: "Send" };
    const g = await scripted({
      ask: () => created(body),
      wait: () => ok({ ...body, ...approved }),
      redeem: () => ok({ ...body, status: "redeemed" }),
    });
    const mutable = { ...params };
    const pending: unknown[] = [];
    const result = await g.run(
      { ...withAction, action: { summary: "Send", params: mutable } },
      {
        onPending: (c) => {
          pending.push(c.id);
          mutable.to = "somebody else";
        },
      },
    );
    assert.equal(result, "done");
    assert.deepEqual(pending, [confirmationId]);
    assert.deepEqual(g.steps, ["ask", "wait", "redeem", ...reported]);
    assert.deepEqual(g.seen[2]?.body, { skill: "payments.transfer", params });
    const [grant] = g.ran as { params: typeof params; receipt: Secret }[];
    assert.deepEqual([grant?.params, grant?.receipt.reveal()], [params, "a.b.c"]);
    assert.ok(Object.isFrozen(grant?.params));
    assert.match(String((g.seen[0]?.body as Record<string, unknown>)["idempotency_key"]), /^[0-9a-f]{32}$/);
  });
  test("once, with the same key, when the ask's answer is lost", async () => {
    let asks = 0;
    const g = await scripted({ ...yes, ask: () => (++asks === 1 ? { hangUp: true } : ok()) });
    assert.equal(await g.run(), "done");
    const keys = g.seen.slice(0, 2).map((s) => (s.body as Record<string, unknown>)["idempotency_key"]);
    assert.equal(keys[0], keys[1]);
    assert.equal(g.ran.length, 1);
  });
  test("and passes on what the function throws, without declining", async () => {
    const g = await scripted(yes);
    const reason = new Error("skill failed");
    await assert.rejects(
      g.runtime.guard(question, () => Promise.reject(reason)),
      reason,
    );
    assert.deepEqual(g.steps, ["ask", "wait", "redeem", ...reported]);
    assert.deepEqual(g.seen.at(-1)?.body, { outcome: "failed" });
  });
  test("and reports the outcome once it has run, also when the caller gives up meanwhile", async () => {
    const controller = new AbortController();
    let ran = false;
    const g = await scripted({ ...yes, outcome: () => (assert.ok(ran), ok({ status: "redeemed", outcome: "executed" })) });
    const run = () => {
      controller.abort();
      ran = true;
      return "done";
    };
    assert.equal(await g.runtime.guard(question, run, { signal: controller.signal }), "done");
    assert.deepEqual(g.steps, ["ask", "wait", "redeem", "outcome"]);
    assert.deepEqual(g.seen.at(-1)?.body, { outcome: "executed" });
  });
  test("with a call key, which is sent alone and never withdrawn", async () => {
    const called = { skill: question.skill, role: question.role, customer_id: customer, call_key: "call-1" };
    const g = await scripted({ ...yes, wait: () => ok({ status: "expired" }) });
    await assert.rejects(g.run(called), because("expired"));
    const { call_key, idempotency_key } = g.seen[0]?.body as Record<string, unknown>;
    assert.deepEqual([call_key, idempotency_key, g.steps], ["call-1", undefined, ["ask", "wait"]]);
    const gone = await scripted({ ...yes, wait: () => problem("internal", 500) });
    await assert.rejects(gone.run(called), because("unreachable"));
    assert.deepEqual(gone.steps.includes("decline"), false);
    const both = { ...question, call_key: "a", idempotency_key: "b" } as unknown as Question;
    await assert.rejects(gone.run(both), because("invalid"));
  });
});

/** Matches a NotConfirmedError of that reason, whose cause is an instance of the class. */
function because(reason: NotConfirmedReason, cause?: unknown) {
  return (error: unknown) => {
    assert.ok(error instanceof NotConfirmedError);
    assert.equal(error.reason, reason);
    if (typeof cause === "function") assert.ok(error.cause instanceof cause);
    else if (cause !== undefined) assert.equal(error.cause, cause);
    return true;
  };
}

describe("refuses", () => {
  /** What must not run, with the steps that are taken and the reason. */
  const cases: Record<string, [Script, string[], NotConfirmedReason, Question?]> = {
    blocked: [{ ask: () => ok({ ...notStored, status: "blocked", reason: "pin_not_set" }) }, ["ask"], "blocked"],
    "an unknown status": [{ ask: () => ok({ status: "allowed" }) }, ["ask"], "unrecognised"],
    "a status in another spelling": [
      { ask: () => ok({ ...notStored, status: "Not_Required", reason: "skill_not_listed" }) },
      ["ask"],
      "unrecognised",
    ],
    "not required, which is not allowed": [
      { ask: () => ok({ ...notStored, status: "not_required", reason: "skill_not_listed" }) },
      ["ask"],
      "not_required",
    ],
    "the skill in another spelling": [{ ...yes, ask: () => created({ skill: "Payments.Transfer" }) }, ["ask"], "unrecognised"],
    "not required for an unknown reason": [
      { ask: () => ok({ ...notStored, status: "not_required", reason: "because" }) },
      ["ask"],
      "unrecognised",
    ],
    "not required, but stored": [
      { ask: () => ok({ status: "not_required", reason: "role_excluded" }) },
      ["ask"],
      "unrecognised",
    ],
    "redeemed before": [{ ask: () => ok({ status: "redeemed" }) }, ["ask"], "refused"],
    "another skill": [
      {
        ...yes,
        ask: () => ok({ ...notStored, status: "not_required", reason: "skill_not_listed", skill: "mail.send" }),
      },
      ["ask"],
      "unrecognised",
    ],
    "another role": [{ ...yes, ask: () => created({ role: "customer" }) }, ["ask"], "unrecognised"],
    "another holder": [{ ...yes, ask: () => created({ customer_id: identity }) }, ["ask"], "unrecognised"],
    "the same id as an identity": [
      { ...yes, ask: () => created({ customer_id: null, identity_id: customer }) },
      ["ask"],
      "unrecognised",
    ],
    "other params": [
      { ...yes, ask: () => created({ action_digest: "sha-256:00" }) },
      ["ask"],
      "unrecognised",
      withAction,
    ],
    "params that nobody asked about": [
      { ...yes, ask: () => created({ action_digest: digest }) },
      ["ask"],
      "unrecognised",
    ],
    "an action by a session": [
      { ...yes, ask: () => created({ ...approved, reason: "session", action_digest: digest }) },
      ["ask", "decline"],
      "unrecognised",
      withAction,
    ],
    "pending without an id": [{ ...yes, ask: () => created({ id: null }) }, ["ask"], "unrecognised"],
    declined: [
      { ...yes, wait: () => ok({ status: "declined", reason: "holder" }) },
      ["ask", "wait"],
      "declined",
    ],
    expired: [{ ...yes, wait: () => ok({ status: "expired" }) }, ["ask", "wait"], "expired"],
    "an unknown status while waiting": [
      { ...yes, wait: () => ok({ status: "ok" }) },
      ["ask", "wait", "decline"],
      "unrecognised",
    ],
    "redeemed by somebody else": [
      { ...yes, wait: () => ok({ status: "redeemed" }) },
      ["ask", "wait"],
      "refused",
    ],
    "another confirmation's approval": [
      { ...yes, wait: () => ok({ ...approved, id: identity }) },
      ["ask", "wait", "decline"],
      "unrecognised",
    ],
    "a lost wait": [{ ...yes, wait: () => ({ hangUp: true }) }, ["ask", "wait", "wait", "decline"], "unreachable"],
    "a lost redeem": [
      { ...yes, redeem: () => ({ hangUp: true }) },
      ["ask", "wait", "redeem", "decline"],
      "unreachable",
    ],
    "a refused redeem": [
      { ...yes, redeem: () => problem("changed-since-approval", 403) },
      ["ask", "wait", "redeem", "decline"],
      "refused",
    ],
    "a busy redeem": [
      { ...yes, redeem: () => problem("busy", 503) },
      ["ask", "wait", "redeem", "redeem", "decline"],
      "unreachable",
    ],
    "201 to a redeem": [
      { ...yes, redeem: () => ({ status: 201, body: confirmation({ status: "redeemed" }) }) },
      ["ask", "wait", "redeem", "decline"],
      "unrecognised",
    ],
    "a redeem that is still approved": [
      { ...yes, redeem: () => ok(approved) },
      ["ask", "wait", "redeem", "decline"],
      "unrecognised",
    ],
    "a redeem without a body": [
      { ...yes, redeem: () => ({ status: 204 }) },
      ["ask", "wait", "redeem", "decline"],
      "unrecognised",
    ],
    "a redeem of another confirmation": [
      { ...yes, redeem: () => ok({ status: "redeemed", id: identity }) },
      ["ask", "wait", "redeem", "decline"],
      "unrecognised",
    ],
    "a redeem of another skill": [
      { ...yes, redeem: () => ok({ status: "redeemed", skill: "mail.send" }) },
      ["ask", "wait", "redeem", "decline"],
      "unrecognised",
    ],
    "a decline that fails too": [
      { ...yes, redeem: () => ({ hangUp: true }), decline: () => problem("not-found", 404) },
      ["ask", "wait", "redeem", "decline"],
      "unreachable",
    ],
    "a conflict": [{ ask: () => problem("idempotency-conflict", 409) }, ["ask"], "refused"],
  };
  for (const [name, [script, steps, reason, asked]] of Object.entries(cases)) {
    test(name, async () => {
      const g = await scripted(script);
      await assert.rejects(g.run(asked, reason === "not_required" ? {} : { allowNotRequired: true }), because(reason));
      assert.deepEqual(g.steps, steps);
      assert.deepEqual(g.ran, []);
    });
  }
  test("a question that cannot be asked, without asking", async () => {
    const g = await scripted(yes);
    await assert.rejects(g.run({ ...question, action: { summary: "s", params: { n: NaN } } }), because("invalid"));
    await assert.rejects(g.run({ skill: "a", role: "owner" } as never), because("invalid", TypeError));
    assert.deepEqual([g.steps, g.ran], [[], []]);
  });
  test("blocked says why and until when", async () => {
    const g = await scripted({
      ask: () =>
        ok({ ...notStored, status: "blocked", reason: "pin_locked", locked_until: "2026-11-01T09:45:00.000000Z" }),
    });
    await assert.rejects(g.run(), (error: unknown) => {
      assert.ok(error instanceof NotConfirmedError);
      assert.deepEqual(
        [error.reason, error.detail, error.lockedUntil?.toISOString(), error.status],
        ["blocked", "pin_locked", "2026-11-01T09:45:00.000Z", 200],
      );
      return true;
    });
  });
});

describe("onPending", () => {
  test("its failure declines and is thrown", async () => {
    const g = await scripted({
      ...yes,
      wait: () => ({ silent: true }),
      verify: () => problem("wrong-pin", 403, { attempts_remaining: 4 }),
    });
    const verify = g.run(question, { onPending: async (c) => void (await g.runtime.verifyConfirmation(c.id, "0000")) });
    await assert.rejects(verify, because("incorrect_pin", WrongPinError));
    assert.equal(g.steps.at(-1), "decline");
    assert.equal(g.steps.filter((s) => s === "verify").length, 1);
    assert.deepEqual(g.ran, []);
  });
  test("its signal fires when the outcome comes from elsewhere", async () => {
    const g = await scripted(yes);
    let closed = false;
    const result = await g.run(question, {
      onPending: (_c, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            closed = true;
            reject(new Error("closed"));
          });
        }),
    });
    assert.deepEqual([result, closed, g.steps], ["done", true, ["ask", "wait", "redeem", ...reported]]);
  });
  test("polls go on while it is pending", async () => {
    let polls = 0;
    const g = await scripted({ ...yes, wait: () => (++polls < 2 ? ok() : ok(approved)) });
    assert.equal(await g.run(), "done");
    assert.equal(polls, 2);
  });
});

describe("abort", () => {
  const reason = new Error("the run is over");
  test("while pending declines and is cancelled", async () => {
    const controller = new AbortController();
    const g = await scripted({ ...yes, wait: () => ({ silent: true }) });
    await assert.rejects(
      g.run(question, { signal: controller.signal, onPending: () => controller.abort(reason) }), because("cancelled", reason));
    assert.equal(g.steps.at(-1), "decline");
    assert.deepEqual(g.ran, []);
  });
  test("before and during the ask runs nothing", async () => {
    const g = await scripted({ ask: () => ({ silent: true }) });
    await assert.rejects(g.run(question, { signal: AbortSignal.abort(reason) }), because("cancelled", reason));
    assert.deepEqual(g.steps, []);
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 30);
    await assert.rejects(g.run(question, { signal: controller.signal }), because("cancelled", reason));
    assert.deepEqual(g.ran, []);
  });
  test("while redeeming runs nothing, although it was redeemed", async () => {
    const controller = new AbortController();
    const g = await scripted({
      ...yes,
      redeem: () => {
        controller.abort(reason);
        return ok({ status: "redeemed" });
      },
    });
    await assert.rejects(g.run(question, { signal: controller.signal }), because("cancelled", reason));
    assert.deepEqual(g.ran, []);
  });
});
