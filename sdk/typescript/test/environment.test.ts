// The clients' settings from the environment, as the other SDKs read them.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";

import { Admin, Runtime } from "@hydracore/hydrapin";

const folder = await mkdtemp(join(tmpdir(), "hydrapin-env-"));
after(() => rm(folder, { recursive: true, force: true }));
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith("HYDRAPIN_")) delete process.env[name];
});

const instance = randomUUID();
const url = "https://pins.example.com/under";

/** Answers 204 to everything, and notes what was asked, with what. */
function witness() {
  const asked: string[] = [];
  const answer = (request: Request) => {
    asked.push(`${request.url} ${request.headers.get("X-Api-Key") ?? request.headers.get("Authorization")}`);
    return Promise.resolve(new Response(null, { status: 204 }));
  };
  return { asked, fetch: answer };
}

test("a runtime", async () => {
  const says = (name: RegExp) => assert.throws(() => Runtime.fromEnv(), { name: "TypeError", message: name });
  says(/HYDRAPIN_URL is not set/);
  process.env["HYDRAPIN_URL"] = url;
  says(/HYDRAPIN_INSTANCE is not set/);
  process.env["HYDRAPIN_INSTANCE"] = instance;
  says(/HYDRAPIN_RUNTIME_KEY is not set/);
  process.env["HYDRAPIN_RUNTIME_KEY_FILE"] = join(folder, "none");
  says(/HYDRAPIN_RUNTIME_KEY_FILE cannot be read: ENOENT/);
  process.env["HYDRAPIN_RUNTIME_KEY_FILE"] = join(folder, "key");
  await writeFile(join(folder, "key"), "\n");
  says(/HYDRAPIN_RUNTIME_KEY is not set/);
  await writeFile(join(folder, "key"), "hc_agent_file\n");
  const { asked, fetch } = witness();
  const id = randomUUID();
  await Runtime.fromEnv({ fetch }).declineConfirmation(id);
  assert.deepEqual(asked, [`${url}/internal/v1/instances/${instance}/confirmations/${id} hc_agent_file`]);
  process.env["HYDRAPIN_RUNTIME_KEY"] = "hc_agent_other";
  says(/set HYDRAPIN_RUNTIME_KEY or HYDRAPIN_RUNTIME_KEY_FILE, not both/);
});

test("an admin, by key or by token", async () => {
  process.env["HYDRAPIN_URL"] = url;
  const one = { name: "TypeError", message: "set exactly one of HYDRAPIN_API_KEY and HYDRAPIN_TOKEN" };
  assert.throws(() => Admin.fromEnv(), one);
  const { asked, fetch } = witness();
  process.env["HYDRAPIN_API_KEY"] = "hc_live_key";
  await Admin.fromEnv({ fetch }).liftTenantFreeze();
  process.env["HYDRAPIN_TOKEN"] = "token";
  assert.throws(() => Admin.fromEnv(), one);
  delete process.env["HYDRAPIN_API_KEY"];
  await Admin.fromEnv({ fetch }).liftTenantFreeze();
  assert.deepEqual(asked, [`${url}/v1/freeze hc_live_key`, `${url}/v1/freeze Bearer token`]);
});
