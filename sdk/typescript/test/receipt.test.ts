// The receipt check against receipts made here, good and bad.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import {
  MemorySeen,
  NO_ACTION,
  ReceiptError,
  keysFromJwks,
  paramsDigest,
  remoteKeys,
  verifyReceipt,
} from "@hydracore/hydrapin";
import type { ExpectedReceipt, ReceiptTrust } from "@hydracore/hydrapin";
import { CompactSign, SignJWT, exportJWK, generateKeyPair, type JWK } from "jose";

import { confirmationId, customer, identity, instance, startFake } from "./fake.js";

const tenant = "6f1b2c34-5d6e-4f70-8a9b-0c1d2e3f4a5b";
const issuer = "https://pin.example.com";
const params = { amount: "250.00", to: "DE89" };
const digest = await paramsDigest(params);
const pair = await generateKeyPair("EdDSA", { crv: "Ed25519" });
const other = await generateKeyPair("EdDSA", { crv: "Ed25519" });
const jwk: JWK = { ...(await exportJWK(pair.publicKey)), kid: "r1", use: "sig", alg: "EdDSA" };
const jwks = { keys: [jwk] };

const header = { alg: "EdDSA", kid: "r1", typ: "pin-receipt+jwt" };
const now = () => Math.floor(Date.now() / 1000);
const claims = (): Record<string, unknown> => ({
  iss: issuer,
  aud: `${tenant}/${instance}`,
  sub: customer,
  holder_type: "customer",
  jti: confirmationId,
  tenant_id: tenant,
  skill: "payments.transfer",
  role: "owner",
  amr: ["pin"],
  auth_time: now() - 5,
  iat: now() - 5,
  exp: now() + 115,
  action_digest: digest,
});
const sign = (changes: Record<string, unknown> = {}, head: Record<string, unknown> = header, key = pair.privateKey) =>
  new SignJWT({ ...claims(), ...changes }).setProtectedHeader(head as typeof header).sign(key);

const expected: ExpectedReceipt = {
  tenantId: tenant,
  instanceId: instance,
  holderType: "customer",
  holderId: customer,
  skill: "payments.transfer",
  params,
};
const trust = (): ReceiptTrust => ({ issuer, keys: keysFromJwks(jwks), seen: new MemorySeen() });
const refused = (code: string) => (error: unknown) => {
  assert.ok(error instanceof ReceiptError, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};

test("a good receipt is accepted once", async () => {
  const t = trust();
  const token = await sign();
  const receipt = await verifyReceipt(
    token,
    { ...expected, tenantId: tenant.toUpperCase(), skill: "payments.transfer" },
    t,
  );
  assert.deepEqual(
    [receipt.id, receipt.skill, receipt.role, receipt.method],
    [confirmationId, "payments.transfer", "owner", "pin"],
  );
  assert.ok(receipt.expiresAt > new Date() && receipt.authTime < new Date() && receipt.issuedAt < new Date());
  await assert.rejects(verifyReceipt(token, expected, t), refused("replayed"));
});

test("of many at once exactly one is accepted", async () => {
  const t = trust();
  const token = await sign();
  const all = await Promise.allSettled(Array.from({ length: 50 }, () => verifyReceipt(token, expected, t)));
  assert.equal(all.filter((r) => r.status === "fulfilled").length, 1);
});

test("a refusal uses nothing up", async () => {
  const t = trust();
  const token = await sign();
  await assert.rejects(verifyReceipt(token, { ...expected, skill: "mail.send" }, t), refused("mismatch"));
  await verifyReceipt(token, expected, t);
});

test("a session's receipt, without an action", async () => {
  const token = await sign({ action_digest: undefined, amr: ["session"] });
  assert.equal((await verifyReceipt(token, { ...expected, params: NO_ACTION }, trust())).method, "session");
});

for (const [name, changes] of Object.entries({
  tenantId: { tenantId: customer },
  instanceId: { instanceId: customer },
  holderId: { holderId: identity },
  holderType: { holderType: "identity" },
  skill: { skill: "mail.send" },
  "a skill of another alphabet": { skill: "payments.transfer".replace("s", "ſ") },
  params: { params: { ...params, amount: "251.00" } },
  "no action": { params: NO_ACTION },
  "empty params": { params: {} },
} as const)) {
  test(`it proves something else: ${name}`, async () => {
    await assert.rejects(
      verifyReceipt(await sign(), { ...expected, ...changes } as ExpectedReceipt, trust()),
      refused("mismatch"),
    );
  });
}
test("no action where one is expected, and another issuer", async () => {
  await assert.rejects(verifyReceipt(await sign({ action_digest: undefined }), expected, trust()), refused("mismatch"));
  await assert.rejects(
    verifyReceipt(await sign(), expected, { ...trust(), issuer: `${issuer}/` }),
    refused("mismatch"),
  );
});

for (const name of ["tenantId", "instanceId", "holderType", "holderId", "skill", "params"] as const) {
  test(`the expectation must have ${name}`, async () => {
    const token = await sign();
    for (const value of [
      undefined,
      null,
      "",
      "*",
      7,
      ...(name === "params" ? [[], new Date(), { n: NaN }, Symbol("no action")] : [{}]),
    ]) {
      await assert.rejects(
        verifyReceipt(token, { ...expected, [name]: value } as never, trust()),
        refused("expectation_incomplete"),
      );
    }
    const { [name]: _, ...rest } = expected;
    await assert.rejects(verifyReceipt(token, rest as never, trust()), refused("expectation_incomplete"));
  });
}
for (const name of ["issuer", "keys", "seen"] as const) {
  test(`${name} must be given`, async () => {
    for (const value of [undefined, null, "", {}]) {
      await assert.rejects(
        verifyReceipt(await sign(), expected, { ...trust(), [name]: value } as never),
        refused("expectation_incomplete"),
      );
    }
    await assert.rejects(verifyReceipt(await sign(), expected, undefined as never), refused("expectation_incomplete"));
    await assert.rejects(verifyReceipt(await sign(), undefined as never, trust()), refused("expectation_incomplete"));
  });
}

test("time, with 30 seconds of leeway", async () => {
  await verifyReceipt(await sign({ exp: now() - 25 }), expected, trust());
  await verifyReceipt(await sign({ iat: now() + 25 }), expected, trust());
  await assert.rejects(verifyReceipt(await sign({ exp: now() - 31 }), expected, trust()), refused("expired"));
  await assert.rejects(verifyReceipt(await sign({ iat: now() + 35 }), expected, trust()), refused("not_yet_valid"));
  await assert.rejects(verifyReceipt(await sign({ nbf: now() + 35 }), expected, trust()), refused("not_yet_valid"));
});

for (const claim of Object.keys(claims()).filter((c) => c !== "action_digest")) {
  test(`${claim} must be there, and of its type`, async () => {
    for (const value of [undefined, null, 1.5, "x", ["x"], {}]) {
      const token = await new CompactSign(new TextEncoder().encode(JSON.stringify({ ...claims(), [claim]: value })))
        .setProtectedHeader(header)
        .sign(pair.privateKey);
      // A skill, an issuer or an audience of another name is another one, not a malformed one.
      const codes: string[] = [
        "malformed",
        ["iss", "aud", "skill"].includes(claim)
          ? "mismatch"
          : claim === "exp"
            ? "expired"
            : "",
      ];
      await assert.rejects(
        verifyReceipt(token, expected, trust()),
        (error: unknown) => error instanceof ReceiptError && codes.includes(error.code),
        `${claim} ${String(value)}`,
      );
    }
  });
}
test("claims that go together", async () => {
  await assert.rejects(verifyReceipt(await sign({ amr: ["session"] }), expected, trust()), refused("malformed"));
  await assert.rejects(verifyReceipt(await sign({ amr: ["pin", "session"] }), expected, trust()), refused("malformed"));
  await assert.rejects(
    verifyReceipt(await sign({ aud: [`${tenant}/${instance}`, "x"] }), expected, trust()),
    refused("malformed"),
  );
  await assert.rejects(
    verifyReceipt(await sign({ action_digest: null }), { ...expected, params: NO_ACTION }, trust()),
    refused("malformed"),
  );
  await assert.rejects(
    verifyReceipt(await sign({ jti: confirmationId.toUpperCase() }), expected, trust()),
    refused("malformed"),
  );
});

test("another key, another algorithm, another header", async () => {
  await assert.rejects(
    verifyReceipt(await sign({}, header, other.privateKey), expected, trust()),
    refused("bad_signature"),
  );
  await assert.rejects(
    verifyReceipt(await sign({}, { ...header, kid: "r2" }), expected, trust()),
    refused("unknown_key"),
  );
  for (const head of [
    { alg: "EdDSA", typ: "pin-receipt+jwt" },
    { ...header, typ: "JWT" },
    { ...header, typ: "application/pin-receipt+jwt" },
    { ...header, typ: undefined },
    { ...header, jwk },
    { ...header, jku: "https://evil.example.com" },
  ]) {
    await assert.rejects(verifyReceipt(await sign({}, head), expected, trust()), refused("malformed"));
  }
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const secret = Buffer.from(jwk.x ?? "", "base64url");
  for (const token of [
    `${encode({ ...header, alg: "none" })}.${encode(claims())}.`,
    await new SignJWT(claims()).setProtectedHeader({ ...header, alg: "HS256" }).sign(secret),
    await new SignJWT(claims())
      .setProtectedHeader({ ...header, alg: "ES256" })
      .sign((await generateKeyPair("ES256")).privateKey),
    "",
    "a.b",
    "a.b.c.d",
    "x".repeat(5000),
    (await sign()) + "x",
    `${await sign()}\n`,
    undefined,
    null,
    {},
  ]) {
    await assert.rejects(
      verifyReceipt(token as string, expected, trust()),
      (error: unknown) => error instanceof ReceiptError && ["malformed", "bad_signature"].includes(error.code),
      String(token),
    );
  }
  const symmetric = keysFromJwks({ keys: [{ kty: "oct", k: jwk.x ?? "", kid: "r1", alg: "HS256" } as JWK] });
  await assert.rejects(verifyReceipt(await sign(), expected, { ...trust(), keys: symmetric }), ReceiptError);
});

test("a store that fails, or that does not say true, refuses", async () => {
  const withSeen = async (add: () => unknown) =>
    verifyReceipt(await sign(), expected, { ...trust(), seen: { add } as never });
  await assert.rejects(
    withSeen(() => Promise.reject(new Error("down"))),
    refused("seen_unavailable"),
  );
  for (const value of [false, undefined, 1, "true"])
    await assert.rejects(
      withSeen(() => value),
      refused("replayed"),
    );
});

test("MemorySeen keeps what can still be used, and nothing else", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 1_000_000 });
  const seen = new MemorySeen();
  assert.equal(seen.add("a", new Date(1_005_000)), true);
  assert.equal(seen.add("a", new Date(1_005_000)), false);
  assert.equal(seen.add("late", new Date(1_000_000)), false);
  assert.equal(seen.add("never", new Date(NaN)), false);
  t.mock.timers.setTime(1_020_000);
  assert.equal(seen.add("b", new Date(1_060_000)), true);
  t.mock.timers.setTime(1_000_000);
  assert.equal(seen.add("a", new Date(1_005_000)), false, "a clock that is set back");
  const many = new MemorySeen();
  for (let i = 0; i < 100_000; i++) many.add(String(i), new Date(1_060_000));
  assert.throws(() => many.add("one more", new Date(1_060_000)));
});

const stops: (() => Promise<void>)[] = [];
after(() => Promise.all(stops.map((stop) => stop())));

test("published keys are fetched once, and their absence refuses", async () => {
  const server = await startFake(() => ({ body: jwks }));
  const broken = await startFake(() => ({ status: 503 }));
  const elsewhere = await startFake(() => ({ status: 302, headers: { Location: server.url } }));
  stops.push(server.stop, broken.stop, elsewhere.stop);
  const keys = remoteKeys(`${server.url}/.well-known/jwks.json`);
  for (let i = 0; i < 3; i++)
    await verifyReceipt(await sign({ jti: confirmationId.replace(/^./, String(i)) }), expected, { ...trust(), keys });
  await assert.rejects(
    verifyReceipt(await sign({}, { ...header, kid: "r2" }), expected, { ...trust(), keys }),
    refused("unknown_key"),
  );
  assert.equal(server.seen.length, 1);
  for (const { url } of [broken, elsewhere]) {
    await assert.rejects(
      verifyReceipt(await sign(), expected, { ...trust(), keys: remoteKeys(url) }),
      refused("keys_unavailable"),
    );
  }
  assert.equal(server.seen.length, 1);
});

test("keys come from https or loopback", () => {
  for (const url of ["http://pin.example.com/jwks", "http://127.0.0.1.example.com/", "ftp://h/", "file:///etc/jwks"])
    assert.throws(() => remoteKeys(url), TypeError);
  for (const url of ["https://pin.example.com/jwks", "http://localhost:1/", "http://[::1]:1/", "http://127.0.0.1:1/"])
    assert.ok(remoteKeys(url));
});
