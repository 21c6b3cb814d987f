// The package in a real browser, beside a real server: `npm run test:browser`. CHROMIUM names the program. It is no
// part of `npm test`, which needs nothing but Node and the server.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";

import { root, startServer } from "./server.js";

const page = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<script type="importmap">{"imports": {
  "@hydracore/hydrapin": "/dist/index.js",
  "jose": "/node_modules/jose/dist/webapi/index.js",
  "openapi-fetch": "/node_modules/openapi-fetch/dist/index.mjs"
}}</script>
<script type="module">
import { Admin, Runtime, MemorySeen, ValidationError, WrongPinError, remoteKeys, verifyReceipt } from "@hydracore/hydrapin";
const tell = (result) => fetch("/result", { method: "POST", body: JSON.stringify(result) });
try {
  const s = await (await fetch("/settings")).json();
  const me = new Admin({ baseUrl: s.url, token: async () => s.token });
  const status = await me.getMyPinStatus();
  const { etag } = await me.getPinPolicy(s.instance);
  const weak = await me.setCustomerPin(s.customer, "1234").catch((error) => error);
  const runtime = new Runtime({ baseUrl: s.url, apiKey: s.runtimeKey, instanceId: s.instance });
  const params = { amount: "250.00" };
  let wrong;
  const receipt = await runtime.guard(
    { skill: "a", role: "owner", customer_id: s.customer, action: { summary: "s", params } },
    (grant) => grant.receipt,
    { onPending: async ({ id }) => {
      wrong = await runtime.verifyConfirmation(id, "111222").catch((error) => error);
      await runtime.verifyConfirmation(id, s.pin);
    } },
  );
  const checked = await verifyReceipt(
    receipt,
    { tenantId: s.tenant, instanceId: s.instance, holderType: "customer", holderId: s.customer, skill: "a", params },
    { issuer: s.url, keys: remoteKeys(new URL("/jwks", location.origin)), seen: new MemorySeen() },
  );
  await tell({ has_pin: status.has_pin, etag, weak: weak instanceof ValidationError && Boolean(weak.requestId), left: wrong instanceof WrongPinError && wrong.attemptsRemaining, method: checked.method });
} catch (error) {
  await tell({ error: String(error), cause: String(error.cause) });
}
</script>`;

const types: Record<string, string> = { js: "text/javascript", mjs: "text/javascript" };
const pin = "804615";
const [instance, customer] = [randomUUID(), randomUUID()];
let settings = {};
let told: (result: unknown) => void;
const result = new Promise<unknown>((resolve) => (told = resolve));

const site = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const file = normalize(pathname);
  if (file === "/") response.setHeader("Content-Type", "text/html").end(page);
  else if (file === "/settings") response.end(JSON.stringify(settings));
  else if (file === "/jwks")
    void fetch(`${server.url}/.well-known/jwks.json`).then(async (r) => response.end(await r.text()));
  else if (file === "/result")
    request.setEncoding("utf8").once("data", (text: string) => (told(JSON.parse(text)), response.end()));
  else
    readFile(join(root, file)).then(
      (text) => response.setHeader("Content-Type", types[file.split(".").at(-1) ?? ""] ?? "text/plain").end(text),
      () => response.writeHead(404).end(),
    );
});
await new Promise<void>((done) => site.listen(0, "127.0.0.1", done));
const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;

const server = await startServer({ HYDRAPIN_CORS_ORIGINS: origin });
const profile = await mkdtemp(join(tmpdir(), "hydrapin-browser-"));
const token = await server.run("token", "--tenant", server.tenant, "--customer", customer, "--admin");
const admin = { method: "POST", headers: { "X-Api-Key": server.apiKey, "Content-Type": "application/json" } };
await fetch(`${server.url}/v1/customers/${customer}/pin`, { ...admin, body: JSON.stringify({ pin }) });
await fetch(`${server.url}/v1/instances/${instance}/pin-policy`, {
  ...admin,
  method: "PATCH",
  body: JSON.stringify({ pin_required_skills: ["a"] }),
});
settings = {
  url: server.url,
  tenant: server.tenant,
  instance,
  customer,
  pin,
  token,
  runtimeKey: await server.runtimeKey(instance),
};

const chromium = spawn(
  process.env["CHROMIUM"] ?? "/usr/bin/chromium",
  [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    `--user-data-dir=${profile}`,
    origin,
  ],
  { stdio: "ignore" },
);
const gone = new Promise((resolve) =>
  chromium.once("error", resolve).once("exit", () => resolve(new Error("the browser ended"))),
);
try {
  const late = new Promise((resolve) =>
    setTimeout(() => resolve(new Error("no result within a minute")), 60_000).unref(),
  );
  assert.deepEqual(await Promise.race([result, gone, late]), {
    has_pin: true,
    etag: '"1"',
    weak: true,
    left: 4,
    method: "pin",
  });
  console.log("ok: the package works in the browser");
} finally {
  chromium.kill("SIGKILL");
  site.close();
  site.closeAllConnections();
  await server.stop();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
}
