// Starts a hydrapin server of its own in a folder of its own.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

/** The package's folder. Tests run from build/. */
export const root = resolve(import.meta.dirname, "..");
export const binary = resolve(process.env["HYDRAPIN_BIN"] ?? join(root, "../../bin/hydrapin"));

export interface Server {
  readonly url: string;
  readonly tenant: string;
  readonly apiKey: string;
  /** Runs a command of the binary beside the server and returns what it prints. */
  run(...args: string[]): Promise<string>;
  runtimeKey(instance: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startServer(settings: Record<string, string> = {}): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), "hydrapin-sdk-"));
  // The server refuses a setting that it does not know, HYDRAPIN_BIN among them.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("HYDRAPIN_"));
  const env = {
    ...Object.fromEntries(inherited),
    HYDRAPIN_DATA_DIR: join(folder, "data"),
    HYDRAPIN_ADDR: "127.0.0.1:0",
    HYDRAPIN_RATE_PER_KEY: "0",
    HYDRAPIN_RATE_PER_ADDRESS: "0",
    ...settings,
  };
  const child = spawn(binary, ["serve"], { env, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const ended = new Promise<void>((done) => {
    child.once("error", (error) => {
      log += error.message;
      done();
    });
    child.once("exit", () => done());
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  // The greeting comes once requests are answered.
  const greeting = { tenant: "", key: "", docs: "" };
  const lines = createInterface({ input: child.stdout });
  const greeted = new Promise<void>((done) => {
    lines.on("line", (line) => {
      const [, name, value] = /^ {2}(tenant|key|docs) +(\S+)$/.exec(line) ?? [];
      if (name && value) greeting[name as keyof typeof greeting] = value;
      if (Object.values(greeting).every(Boolean)) done();
    });
  });
  if (await Promise.race([greeted.then(() => false), ended.then(() => true)])) {
    await rm(folder, { recursive: true, force: true });
    throw new Error(
      `${binary} serve ended without a greeting (make build makes it, HYDRAPIN_BIN names another):\n${log}`,
    );
  }
  const run = async (...args: string[]) => (await promisify(execFile)(binary, args, { env })).stdout.trim();
  return {
    url: greeting.docs.replace(/\/docs$/, ""),
    tenant: greeting.tenant,
    apiKey: greeting.key,
    run,
    runtimeKey: (instance) => run("keys", "create", "--tenant", greeting.tenant, "--instance", instance),
    stop,
  };
}
