import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { inspect } from "node:util";

import {
  ConnectionError,
  Admin,
  HydrapinError,
  Runtime,
  TimeoutError,
  UnavailableError,
  UnexpectedAnswerError,
  UnknownProblemError,
} from "@hydracore/hydrapin";

import {
  confirmation,
  confirmationId,
  customer,
  identity,
  instance,
  pinStatus,
  problem,
  startFake,
  type Fake,
  type Reply,
} from "./fake.js";
import { root } from "./server.js";

const retry = { attempts: 3, baseDelayMs: 1, maxDelayMs: 2_000 };
const stops: (() => Promise<void>)[] = [];
after(() => Promise.all(stops.map((stop) => stop())));

async function fake(
  answer: (count: number) => Reply | Promise<Reply>,
): Promise<Fake & { client: Admin; runtime: Runtime }> {
  const started = await startFake((_seen, count) => answer(count));
  stops.push(started.stop);
  const options = { baseUrl: started.url, apiKey: "hc_live_id_secret", retry };
  return {
    ...started,
    client: new Admin(options),
    runtime: new Runtime({ ...options, instanceId: instance }),
  };
}

type Call = (on: { client: Admin; runtime: Runtime }) => Promise<unknown>;
const webhook = "3c9a51f0-6f0f-4b8e-9d35-0c1b7c1f4e52";
const question = { skill: "payments.transfer", role: "owner", customer_id: customer } as const;

const repeated: Record<string, Call> = {
  getCustomerPinStatus: ({ client }) => client.getCustomerPinStatus(customer),
  getPinPolicy: ({ client }) => client.getPinPolicy(instance),
  getIdentityPinStatus: ({ client }) => client.getIdentityPinStatus(instance, identity),
  getMyPinStatus: ({ client }) => client.getMyPinStatus(),
  listPins: ({ client }) => client.listPins(),
  listPinEvents: ({ client }) => client.listPinEvents(),
  getPinEvent: ({ client }) => client.getPinEvent(7),
  getPinEventCheckpoint: ({ client }) => client.getPinEventCheckpoint(),
  getPinEventProof: ({ client }) => client.getPinEventProof(7, { size: 9 }),
  getPinEventConsistency: ({ client }) => client.getPinEventConsistency(7),
  listApiKeys: ({ client }) => client.listApiKeys(),
  listWebhooks: ({ client }) => client.listWebhooks(),
  getWebhook: ({ client }) => client.getWebhook(webhook),
  listWebhookDeliveries: ({ client }) => client.listWebhookDeliveries(webhook),
  getTenantFreeze: ({ client }) => client.getTenantFreeze(),
  getInstanceFreeze: ({ client }) => client.getInstanceFreeze(instance),
  getPinPolicyDecision: ({ runtime }) => runtime.getPinPolicyDecision("payments.transfer", "owner"),
  getConfirmationQr: ({ runtime }) => runtime.getConfirmationQr(confirmationId),
  listConfirmations: ({ runtime }) => runtime.listConfirmations(),
  reportOutcome: ({ runtime }) => runtime.reportOutcome(confirmationId, "executed"),
  runtimeGetPinStatus: ({ runtime }) => runtime.runtimeGetPinStatus(identity),
  getConfirmation: ({ runtime }) => runtime.getConfirmation(confirmationId, { waitSeconds: 5 }),
  declineConfirmation: ({ runtime }) => runtime.declineConfirmation(confirmationId),
  endPinSessions: ({ runtime }) => runtime.endPinSessions({ customer_id: customer }),
  "askConfirmation with a key": ({ runtime }) => runtime.askConfirmation({ ...question, idempotency_key: "k" }),
};

const once: Record<string, Call> = {
  setCustomerPin: ({ client }) => client.setCustomerPin(customer, "804615"),
  removeCustomerPin: ({ client }) => client.removeCustomerPin(customer),
  unlockCustomerPin: ({ client }) => client.unlockCustomerPin(customer),
  updatePinPolicy: ({ client }) => client.updatePinPolicy(instance, {}),
  removeIdentityPin: ({ client }) => client.removeIdentityPin(instance, identity),
  unlockIdentityPin: ({ client }) => client.unlockIdentityPin(instance, identity),
  deactivateCustomerPin: ({ client }) => client.deactivateCustomerPin(customer),
  deactivateIdentityPin: ({ client }) => client.deactivateIdentityPin(instance, identity),
  createCustomerPinLink: ({ client }) => client.createCustomerPinLink(customer),
  endCustomerPinLinks: ({ client }) => client.endCustomerPinLinks(customer),
  createIdentityPinLink: ({ client }) => client.createIdentityPinLink(instance, identity),
  endIdentityPinLinks: ({ client }) => client.endIdentityPinLinks(instance, identity),
  setMyPin: ({ client }) => client.setMyPin("804615"),
  setTenantFreeze: ({ client }) => client.setTenantFreeze(),
  liftTenantFreeze: ({ client }) => client.liftTenantFreeze(),
  setInstanceFreeze: ({ client }) => client.setInstanceFreeze(instance),
  liftInstanceFreeze: ({ client }) => client.liftInstanceFreeze(instance),
  createApiKey: ({ client }) => client.createApiKey({ name: "n", scopes: ["pins:read"] }),
  revokeApiKey: ({ client }) => client.revokeApiKey("4fTz0aQmW9xL2bKc"),
  createWebhook: ({ client }) => client.createWebhook({ url: "https://a.example", events: ["pin.*"] }),
  updateWebhook: ({ client }) => client.updateWebhook(webhook, { enabled: false }),
  deleteWebhook: ({ client }) => client.deleteWebhook(webhook),
  rotateWebhookSecret: ({ client }) => client.rotateWebhookSecret(webhook),
  testWebhook: ({ client }) => client.testWebhook(webhook),
  retryWebhookDelivery: ({ client }) => client.retryWebhookDelivery(webhook),
  runtimeCreatePinLink: ({ runtime }) => runtime.runtimeCreatePinLink(identity),
  runtimeEndPinLinks: ({ runtime }) => runtime.runtimeEndPinLinks(identity),
  runtimeSetPin: ({ runtime }) => runtime.runtimeSetPin(identity, "804615", { currentPin: "492750" }),
  runtimeRemovePin: ({ runtime }) => runtime.runtimeRemovePin(identity),
  verifyConfirmation: ({ runtime }) => runtime.verifyConfirmation(confirmationId, "804615"),
  redeemConfirmation: ({ runtime }) => runtime.redeemConfirmation(confirmationId, { skill: "a" }),
  "askConfirmation without a key": ({ runtime }) => runtime.askConfirmation(question),
};

describe("repeats", () => {
  for (const [name, call] of Object.entries(repeated)) {
    test(`${name} is repeated after 503, a lost connection and 429`, async () => {
      const failing = [problem("busy", 503), { hangUp: true }, problem("too-many-requests", 429)];
      const server = await fake((count) => failing[count - 1] ?? { status: 500 });
      await assert.rejects(call(server), { name: "TooManyRequestsError" });
      assert.equal(server.seen.length, 3);
    });
  }
  for (const [name, call] of Object.entries(once)) {
    for (const [fault, reply] of Object.entries({
      "503": problem("unavailable", 503),
      "a lost connection": { hangUp: true },
    })) {
      test(`${name} is sent once, after ${fault} too`, async () => {
        const server = await fake(() => reply);
        await assert.rejects(call(server), HydrapinError);
        assert.equal(server.seen.length, 1);
      });
    }
  }
  test("every operation of the contract is in one of the two lists", () => {
    const contract = readFileSync(join(root, "../../openapi.yaml"), "utf8");
    const ids = Array.from(contract.matchAll(/^ +operationId: (\w+)$/gm), ([, id]) => id);
    const listed = [...Object.keys(repeated), ...Object.keys(once)].map((name) => name.replace(/ .*/, ""));
    assert.deepEqual([...new Set(listed)].sort(), ids.sort());
  });

  test("the answer of a repeat is the answer", async () => {
    const server = await fake((count) => (count < 3 ? problem("busy", 503) : { body: pinStatus }));
    assert.deepEqual(await server.client.getCustomerPinStatus(customer), pinStatus);
  });
  test("Retry-After is waited for", async () => {
    const server = await fake((count) =>
      count === 1 ? { ...problem("busy", 503), headers: { "Retry-After": "1" } } : { body: pinStatus },
    );
    const began = performance.now();
    await server.client.getCustomerPinStatus(customer);
    assert.ok(performance.now() - began >= 990);
  });
  test("a Retry-After that is too long is an error at once", async () => {
    const server = await fake(() => ({ ...problem("unavailable", 503), headers: { "Retry-After": "60" } }));
    await assert.rejects(server.client.getCustomerPinStatus(customer), (error: unknown) => {
      assert.ok(error instanceof UnavailableError);
      assert.equal(error.retryAfterSeconds, 60);
      return true;
    });
    assert.equal(server.seen.length, 1);
  });
  for (const status of [400, 401, 404, 409, 500]) {
    test(`${status} is not repeated`, async () => {
      const server = await fake(() => ({ status, body: "<html>" }));
      await assert.rejects(server.client.getCustomerPinStatus(customer), UnexpectedAnswerError);
      assert.equal(server.seen.length, 1);
    });
  }
});

describe("time", () => {
  test("a call that gets no answer ends in time, and the repeat is its own", async () => {
    const server = await fake((count) => (count === 1 ? { silent: true } : { body: pinStatus }));
    assert.deepEqual(await server.client.getCustomerPinStatus(customer, { timeoutMs: 100 }), pinStatus);
    const silent = await fake(() => ({ silent: true }));
    await assert.rejects(silent.client.setCustomerPin(customer, "804615", { timeoutMs: 50 }), TimeoutError);
  });
  test("the seconds of a long poll come on top", async () => {
    const server = await fake(async () => {
      await new Promise((done) => setTimeout(done, 300));
      return { body: confirmation() };
    });
    await server.runtime.getConfirmation(confirmationId, { waitSeconds: 1, timeoutMs: 100 });
    assert.equal(server.seen.length, 1);
    assert.match(server.seen[0]?.path ?? "", /\?wait_seconds=1$/);
  });
  test("an abort ends a call, a pause and a token source with the signal's reason", async () => {
    const reason = new Error("enough");
    const abort = (ms: number) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(reason), ms);
      return controller.signal;
    };
    const silent = await fake(() => ({ silent: true }));
    await assert.rejects(silent.client.getCustomerPinStatus(customer, { signal: abort(20) }), reason);
    const pausing = await fake(() => ({ ...problem("busy", 503), headers: { "Retry-After": "2" } }));
    await assert.rejects(pausing.client.getCustomerPinStatus(customer, { signal: abort(100) }), reason);
    assert.equal(pausing.seen.length, 1);
    const stuck = new Admin({ baseUrl: silent.url, token: () => new Promise(() => undefined), retry });
    await assert.rejects(stuck.getMyPinStatus({ signal: abort(20) }), reason);
    await assert.rejects(stuck.getMyPinStatus({ timeoutMs: 20 }), TimeoutError);
    const before = silent.seen.length;
    await assert.rejects(silent.client.getMyPinStatus({ signal: AbortSignal.abort(reason) }), reason);
    assert.equal(silent.seen.length, before);
  });
});

describe("answers that are not known", () => {
  const cases: Record<string, Reply> = {
    "no JSON": { body: "<html>", headers: { "X-Request-Id": "r" } },
    "cut off": { body: '{"has_pin": tr' },
    nothing: { status: 200 },
    "an array": { body: [] },
    null: { body: "null" },
    "a field missing": { body: { has_pin: true } },
    "a field of another type": { body: { ...pinStatus, is_locked: "no" } },
    "another success status": { status: 202, body: pinStatus },
    "no content where there should be some": { status: 204 },
    "a problem without what its code needs": problem("pin-locked", 423),
    "422 in another form": { status: 422, body: { detail: "no" } },
  };
  for (const [name, reply] of Object.entries(cases)) {
    test(name, async () => {
      const server = await fake(() => reply);
      await assert.rejects(server.client.getCustomerPinStatus(customer), (error: unknown) => {
        assert.ok(error instanceof UnexpectedAnswerError, String(error));
        assert.equal(error.status, reply.status ?? 200);
        return true;
      });
    });
  }
  test("a problem of a newer server keeps its code", async () => {
    const server = await fake(() => problem("teapot", 418));
    await assert.rejects(
      server.client.getCustomerPinStatus(customer),
      (error: unknown) => error instanceof UnknownProblemError && error.code === "teapot",
    );
  });
  test("an answer to a removal that says something", async () => {
    const server = await fake(() => ({ status: 200, body: {} }));
    await assert.rejects(server.client.removeCustomerPin(customer), UnexpectedAnswerError);
  });
  test("fields that a newer server adds do no harm", async () => {
    const server = await fake(() => ({ body: { ...pinStatus, more: 1 } }));
    assert.equal((await server.client.getCustomerPinStatus(customer)).has_pin, true);
  });
  test("a redirect is not followed", async () => {
    const target = await fake(() => ({ body: pinStatus }));
    const server = await fake(() => ({ status: 307, headers: { Location: `${target.url}/v1/me/pin` } }));
    await assert.rejects(server.client.setCustomerPin(customer, "804615"), UnexpectedAnswerError);
    assert.equal(target.seen.length, 0);
  });
  test("a confirmation that is not the one asked for, or not yet what a success means", async () => {
    const other = await fake(() => ({ body: confirmation({ id: identity, status: "approved" }) }));
    await assert.rejects(other.runtime.getConfirmation(confirmationId), UnexpectedAnswerError);
    await assert.rejects(other.runtime.verifyConfirmation(confirmationId, "804615"), UnexpectedAnswerError);
    const pending = await fake(() => ({ body: confirmation() }));
    await assert.rejects(pending.runtime.verifyConfirmation(confirmationId, "804615"), UnexpectedAnswerError);
    await assert.rejects(pending.runtime.redeemConfirmation(confirmationId, {}), UnexpectedAnswerError);
  });
});

describe("credentials", () => {
  test("a key and a token each go in their header, and a source is asked for each attempt", async () => {
    const server = await fake((count) => (count === 2 ? problem("busy", 503) : { body: pinStatus }));
    await server.client.getMyPinStatus();
    let n = 0;
    const bySource = new Admin({ baseUrl: `${server.url}/`, token: async () => `token-${++n}`, retry });
    await bySource.getMyPinStatus();
    const headers = server.seen.map((s) => [s.headers["x-api-key"], s.headers.authorization]);
    assert.deepEqual(headers, [
      ["hc_live_id_secret", undefined],
      [undefined, "Bearer token-1"],
      [undefined, "Bearer token-2"],
    ]);
  });
  test("what a source throws is thrown, and nothing is sent", async () => {
    const server = await fake(() => ({ body: pinStatus }));
    const reason = new Error("no token today");
    const client = new Admin({ baseUrl: server.url, token: () => Promise.reject(reason) });
    await assert.rejects(client.getMyPinStatus(), reason);
    const broken = new Admin({ baseUrl: server.url, token: () => "secret\n" });
    await assert.rejects(
      broken.getMyPinStatus(),
      (error: unknown) => error instanceof TypeError && !error.message.includes("secret"),
    );
    assert.equal(server.seen.length, 0);
  });
  test("secrets are shown nowhere", async () => {
    const client = new Admin({
      baseUrl: "http://127.0.0.1:9",
      apiKey: "hc_live_id_secret",
      retry: { attempts: 1 },
    });
    const shown = [inspect(client, { depth: 9, showHidden: true }), JSON.stringify(client)];
    const thrown: unknown = await client.setCustomerPin(customer, "804615").catch((error: unknown) => error);
    assert.ok(thrown instanceof ConnectionError);
    shown.push(inspect(thrown, { depth: 9, showHidden: true }), JSON.stringify(thrown));
    for (const text of shown) assert.doesNotMatch(text, /secret|804615/);
    assert.throws(
      () => new Admin({ baseUrl: "http://h", apiKey: "secret\n" }),
      (error: unknown) => error instanceof TypeError && !error.message.includes("secret"),
    );
  });
  test("settings that cannot work are refused at once", () => {
    const make = (options: object) => () =>
      new Runtime({ baseUrl: "http://h", apiKey: "k", instanceId: instance, ...options } as never);
    for (const options of [
      { apiKey: undefined },
      { token: "t" },
      { apiKey: "" },
      { baseUrl: "pin.example.com" },
      { baseUrl: "ftp://h" },
      { baseUrl: "http://u:p@h" },
      { baseUrl: "http://h?x" },
      { instanceId: "x" },
      { timeoutMs: 0 },
      { timeoutMs: NaN },
      { retry: { attempts: 0 } },
    ]) {
      assert.throws(make(options), TypeError, JSON.stringify(options));
    }
  });
  test("an id that would lead elsewhere is refused before anything is sent", async () => {
    const server = await fake(() => ({ body: pinStatus }));
    for (const id of ["..", "", "a/b", `${customer}/unlock`])
      await assert.rejects(server.client.getCustomerPinStatus(id), TypeError);
    await assert.rejects(server.runtime.endPinSessions({} as never), TypeError);
    assert.equal(server.seen.length, 0);
  });
  test("a path prefix is kept, and another fetch is used", async () => {
    const server = await fake(() => ({ body: pinStatus }));
    const urls: string[] = [];
    const client = new Admin({
      baseUrl: `${server.url}/pin/`,
      apiKey: "k",
      fetch: (request) => {
        urls.push(request.url);
        return fetch(request);
      },
    });
    await client.getCustomerPinStatus(customer.toUpperCase());
    assert.equal(server.seen[0]?.path, `/pin/v1/customers/${customer}/pin`);
    assert.equal(urls.length, 1);
  });
});
