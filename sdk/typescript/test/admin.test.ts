// Real calls against a started server: what a tenant's admin lists and sets up.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { inspect } from "node:util";

import {
  Admin,
  ForbiddenError,
  NotFoundError,
  Runtime,
  WebhookDisabledError,
  type PinEvent,
  type WebhookDelivery,
} from "@hydracore/hydrapin";

import { startServer } from "./server.js";

const server = await startServer();
after(() => server.stop());
const client = new Admin({ baseUrl: server.url, apiKey: server.apiKey });
const pin = "804615";

test("keys and lists", async () => {
  const made = await client.createApiKey({ name: "made", scopes: ["pins:read"] });
  assert.equal(String(made.key), "[redacted]");
  const holder = randomUUID();
  await client.setCustomerPin(holder, pin);
  assert.equal((await client.deactivateCustomerPin(holder)).is_active, false);
  const instance = randomUUID();
  const runtime = new Runtime({ baseUrl: server.url, apiKey: await server.runtimeKey(instance), instanceId: instance });
  const identity = randomUUID();
  await runtime.runtimeSetPin(identity, pin);
  assert.equal((await client.deactivateIdentityPin(instance, identity)).is_active, false);
  const here = await client.listPins({ status: "inactive", instanceId: instance });
  assert.deepEqual(here.pins.map((p) => p.identity_id), [identity]);
  const reader = new Admin({ baseUrl: server.url, apiKey: made.key.reveal() });
  const found: string[] = [];
  for await (const { customer_id } of reader.pins({ status: "inactive", holderType: "customer" }))
    if (customer_id !== null) found.push(customer_id);
  assert.ok(found.includes(holder));
  assert.equal((await client.listPins({ status: "inactive" }, { perPage: 1 })).pins.length, 1);
  await assert.rejects(reader.createApiKey({ name: "n", scopes: ["pins:read"] }), ForbiddenError);
  await client.revokeApiKey(made.id);
  await client.revokeApiKey(made.id);
  const listed = [];
  for await (const key of client.apiKeys()) listed.push(key);
  assert.ok(listed.find((key) => key.id === made.id)?.revoked_at);
  assert.ok((await client.listApiKeys({ page: 1, perPage: 1 })).total >= listed.length);
});

/** Asks again until the answer is there: the trail and the deliveries follow within a second or so. */
async function until<T>(ask: () => Promise<T>, there: (answer: T) => boolean): Promise<T> {
  for (const end = Date.now() + 30_000; ; await new Promise((done) => setTimeout(done, 50))) {
    const answer = await ask();
    if (there(answer)) return answer;
    assert.ok(Date.now() < end, `never came: ${inspect(answer)}`);
  }
}

test("the audit trail, and what proves it", async () => {
  const holder = randomUUID();
  await client.setCustomerPin(holder, pin);
  await client.deactivateCustomerPin(holder);
  const read = async () => {
    const all: PinEvent[] = [];
    for await (const event of client.pinEvents({ customer_id: holder, limit: 1 })) all.push(event);
    return all;
  };
  const events = await until(read, (all) => all.length >= 2);
  assert.deepEqual(
    events.map((e) => [e.type, e.customer_id, e.tenant_id]),
    [["pin.set", holder, server.tenant], ["pin.deactivated", holder, server.tenant]],
  );
  const newest = await client.listPinEvents({ customer_id: holder, order: "desc", limit: 1 });
  assert.deepEqual(newest.events, events.slice(1));
  const index = events[1]?.index ?? -1;
  const leaf = await client.getPinEvent(index);
  assert.deepEqual(leaf.event, events[1]);
  assert.ok(Buffer.from(leaf.leaf, "base64").toString().includes(leaf.event.id));
  const proof = await client.getPinEventProof(index, { size: index + 1 });
  assert.deepEqual([proof.index, proof.size, proof.leaf_hash], [index, index + 1, leaf.leaf_hash]);
  const consistent = await client.getPinEventConsistency(1, { to: index + 1 });
  assert.deepEqual([consistent.from, consistent.to], [1, index + 1]);
  assert.match(await client.getPinEventCheckpoint(), /\n\n\u2014 /);
  await assert.rejects(client.getPinEvent(2 ** 40), NotFoundError);
});

// The name is that of a loopback address, which the server does not send to unless its operator allows that: every attempt
// fails, and nothing is on the wire.
test("webhooks, their secrets and their deliveries", async () => {
  const url = "https://localhost:9/in";
  const made = await client.createWebhook({ url, events: ["key.*"], description: "audit" });
  const secret = made.secret.reveal();
  assert.ok(secret.startsWith("whsec_") && !inspect(made).includes(secret));
  const { id } = made;
  const { event_id } = await client.testWebhook(id);
  const read = async () => {
    const all: WebhookDelivery[] = [];
    for await (const delivery of client.webhookDeliveries(id, { status: "pending" })) all.push(delivery);
    return all;
  };
  const [failed] = await until(read, (all) => all.some(({ attempts }) => attempts > 0));
  assert.ok(failed?.last_error);
  assert.deepEqual([failed.event_id, failed.webhook_id, failed.event_type], [event_id, id, "webhook.tested"]);
  assert.equal((await client.listWebhookDeliveries(id, { status: "dead" }, { perPage: 1 })).total, 0);
  assert.equal((await client.retryWebhookDelivery(failed.id)).id, failed.id);
  assert.notEqual((await client.rotateWebhookSecret(id)).secret.reveal(), secret);
  const changed = await client.updateWebhook(id, { events: ["pin.locked"], enabled: false, description: "" });
  assert.deepEqual([changed.events, changed.disabled_reason, changed.description], [["pin.locked"], "by_hand", null]);
  assert.deepEqual(await client.getWebhook(id), changed);
  await assert.rejects(client.testWebhook(id), WebhookDisabledError);
  const listed: string[] = [];
  for await (const webhook of client.webhooks()) listed.push(webhook.id);
  assert.ok(listed.includes(id));
  assert.ok((await client.listWebhooks({ page: 1, perPage: 1 })).total >= 1);
  await client.deleteWebhook(id);
  await assert.rejects(client.getWebhook(id), NotFoundError);
  await assert.rejects(client.retryWebhookDelivery(randomUUID()), NotFoundError);
});
