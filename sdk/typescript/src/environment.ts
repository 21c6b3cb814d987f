// The settings of the clients, as all SDKs read them from the environment of the process.
import { Secret } from "./secret.js";
import type { Credentials } from "./transport.js";

interface Process {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly getBuiltinModule?: (name: "node:fs") => { readFileSync(path: string, encoding: "utf8"): string };
}

/** The process, which a browser does not have. Nothing is imported for it, so bundlers find nothing to resolve. */
function here(): Process {
  const { process } = globalThis as { process?: Process };
  if (!process?.env) throw new TypeError("there is no environment here: pass the options");
  return process;
}

/** A variable of the environment, or the content of the file that NAME_FILE names; undefined where neither is set. */
function setting(name: string): string | undefined {
  const { env, getBuiltinModule } = here();
  const value = env[name] || undefined;
  const path = env[`${name}_FILE`];
  if (!path) return value;
  if (value !== undefined) throw new TypeError(`set ${name} or ${name}_FILE, not both`);
  if (!getBuiltinModule) throw new TypeError(`${name}_FILE needs Node 20.16 or newer: set ${name}`);
  try {
    return getBuiltinModule("node:fs").readFileSync(path, "utf8").trim() || undefined;
  } catch (error) {
    const { code } = error as { code?: unknown };
    throw new TypeError(`${name}_FILE cannot be read${typeof code === "string" ? `: ${code}` : ""}`);
  }
}

function required(name: string): string {
  const value = setting(name);
  if (value === undefined) throw new TypeError(`${name} is not set`);
  return value;
}

/** Where the server is, and the key or the token of an admin or a customer. */
export function adminSettings(): Credentials & { readonly baseUrl: string } {
  const baseUrl = required("HYDRAPIN_URL");
  const apiKey = setting("HYDRAPIN_API_KEY");
  const token = setting("HYDRAPIN_TOKEN");
  if (apiKey !== undefined && token === undefined) return { baseUrl, apiKey: new Secret(apiKey) };
  if (token !== undefined && apiKey === undefined) return { baseUrl, token: new Secret(token) };
  throw new TypeError("set exactly one of HYDRAPIN_API_KEY and HYDRAPIN_TOKEN");
}

/** Where the server is, and the instance with its runtime key. */
export function runtimeSettings() {
  return {
    baseUrl: required("HYDRAPIN_URL"),
    instanceId: required("HYDRAPIN_INSTANCE"),
    apiKey: new Secret(required("HYDRAPIN_RUNTIME_KEY")),
  };
}
