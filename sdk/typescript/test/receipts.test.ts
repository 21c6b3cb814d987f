// A receipt of a real server, checked with jose alone and with the package's own check.
import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { after, test } from "node:test";

import {
  Admin,
  Runtime,
  MemorySeen,
  NO_ACTION,
  ReceiptError,
  canonicalParams,
  remoteKeys,
  verifyReceipt,
  type ExpectedReceipt,
} from "@hydracore/hydrapin";
import { createRemoteJWKSet, jwtVerify } from "jose";

import { startServer } from "./server.js";

const server = await startServer();
after(() => server.stop());
const pin = "804615";
const skill = "payments.transfer";
const params = { to: "DE89370400440532013000", amount: "250.00", ключ: [1.5, 1e-7, null, true] };
const [instance, customer] = [randomUUID(), randomUUID()];
const client = new Admin({ baseUrl: server.url, apiKey: server.apiKey });
await client.setCustomerPin(customer, pin);
await client.updatePinPolicy(instance, { pin_required_skills: ["*"] });
const runtime = new Runtime({
  baseUrl: server.url,
  apiKey: await server.runtimeKey(instance),
  instanceId: instance,
});

async function approved(action?: {
  summary: string;
  params: Record<string, unknown>;
}): Promise<{ id: string; receipt: string }> {
  const asked = await runtime.askConfirmation({
    skill,
    role: "owner",
    customer_id: customer,
    ...(action && { action }),
  });
  assert.ok(asked.id);
  const { id, receipt } = asked.status === "approved" ? asked : await runtime.verifyConfirmation(asked.id, pin);
  assert.ok(id && receipt);
  assert.equal((await runtime.getConfirmation(id)).receipt?.reveal(), receipt.reveal(), "the same bytes each time");
  return { id, receipt: receipt.reveal() };
}

const jwks = new URL("/.well-known/jwks.json", server.url);
const trust = { issuer: server.url, keys: remoteKeys(jwks), seen: new MemorySeen() };
const expected: ExpectedReceipt = {
  tenantId: server.tenant,
  instanceId: instance,
  holderType: "customer",
  holderId: customer,
  skill,
  params,
};

test("jose alone accepts it, and reads every claim", async () => {
  const before = Math.floor(Date.now() / 1000);
  const { id, receipt } = await approved({ summary: "Send", params });
  const { payload, protectedHeader } = await jwtVerify(receipt, createRemoteJWKSet(jwks), {
    algorithms: ["EdDSA"],
    typ: "pin-receipt+jwt",
    issuer: server.url,
    audience: `${server.tenant}/${instance}`,
  });
  assert.deepEqual(Object.keys(protectedHeader).sort(), ["alg", "kid", "typ"]);
  const { iat, exp, auth_time, ...rest } = payload;
  assert.deepEqual(rest, {
    iss: server.url,
    aud: `${server.tenant}/${instance}`,
    sub: customer,
    holder_type: "customer",
    jti: id,
    tenant_id: server.tenant,
    skill,
    role: "owner",
    amr: ["pin"],
    action_digest: "sha-256:" + createHash("sha256").update(canonicalParams(params)).digest("hex"),
  });
  assert.ok(iat && iat >= before && exp === iat + 120 && typeof auth_time === "number" && auth_time >= before);
});

test("the package accepts it once, for exactly what was confirmed", async () => {
  const { id, receipt } = await approved({ summary: "Send", params });
  await assert.rejects(
    verifyReceipt(receipt, { ...expected, params: { ...params, amount: "1.00" } }, trust),
    ReceiptError,
  );
  await assert.rejects(verifyReceipt(receipt, { ...expected, params: NO_ACTION }, trust), ReceiptError);
  assert.equal((await verifyReceipt(receipt, expected, trust)).id, id);
  await assert.rejects(
    verifyReceipt(receipt, expected, trust),
    (error: unknown) => error instanceof ReceiptError && error.code === "replayed",
  );
});

test("PIN and session, without an action", async () => {
  await client.updatePinPolicy(instance, { pin_session_ttl_minutes: 5 });
  const methods = [];
  for (let i = 0; i < 2; i++)
    methods.push((await verifyReceipt((await approved()).receipt, { ...expected, params: NO_ACTION }, trust)).method);
  assert.deepEqual(methods, ["pin", "session"]);
});
