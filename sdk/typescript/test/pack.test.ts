// What is published: the tarball, installed offline in a folder of its own, runs the README's code against a real
// server, and brings all its types.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { cp, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";

import { root, startServer } from "./server.js";

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), "hydrapin-pack-"));
after(() => rm(folder, { recursive: true, force: true }));

async function pack(from: string, ...more: string[]): Promise<{ filename: string; files: string[] }> {
  const { stdout } = await run("npm", ["pack", "--json", "--silent", "--pack-destination", folder, ...more], {
    cwd: from,
  });
  const parsed: unknown = JSON.parse(stdout);
  // npm 11 gives a list, later ones an object by name.
  const [packed] = Object.values(parsed as Record<string, { filename: string; files: { path: string }[] }>);
  assert.ok(packed);
  return { filename: join(folder, packed.filename), files: packed.files.map((f) => f.path) };
}

/** The package as in a fresh clone: nothing is built, and npm pack alone must do it. */
async function clone(): Promise<string> {
  const top = join(folder, "clone");
  const copy = join(top, "sdk/typescript");
  const made = ["node_modules", "dist", "build", "LICENSE"];
  await cp(root, copy, { recursive: true, filter: (path) => !made.includes(relative(root, path)) });
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  for (const file of ["gen/typescript/schema.d.ts", "LICENSE"]) await cp(join(root, "../..", file), join(top, file));
  return copy;
}

// Also what it depends on is packed from here, so that the install needs no network and no cache.
const own = await pack(await clone());
const dependencies = ["jose", "openapi-fetch", "openapi-typescript-helpers"];
const tarballs = [own.filename];
for (const name of dependencies) tarballs.push((await pack(join(root, "node_modules", name), "--ignore-scripts")).filename);
await writeFile(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
await run("npm", ["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", ...tarballs], { cwd: folder });

test("the tarball holds the program, its types, README and licence, and nothing else", async () => {
  const sources = (await readdir(join(root, "src"))).map((file) => file.replace(/\.ts$/, ""));
  const built = sources.flatMap((name) => [`dist/${name}.d.ts`, `dist/${name}.js`]);
  assert.deepEqual(own.files.sort(), [...built, "dist/schema.d.ts", "LICENSE", "README.md", "package.json"].sort());
});

// The package's own tsconfig, which knows only the browser's globals, proves that it uses none of Node's.
test("its only dependencies are the two, and it imports nothing of Node", async () => {
  const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  assert.deepEqual(Object.keys(manifest.dependencies).sort(), ["jose", "openapi-fetch"]);
  for (const file of own.files.filter((f) => f.endsWith(".js"))) {
    const text = await readFile(join(folder, "node_modules/@hydracore/hydrapin", file), "utf8");
    for (const [, from = ""] of text.matchAll(/^(?:import|export) .*from "(.*?)";$/gm))
      assert.match(from, /^(\.\/[\w-]+\.js|jose|openapi-fetch|@langchain\/core\/tools)$/, file);
  }
});

test("installed, it compiles strictly with its own types alone, and wrong fields do not", async () => {
  // A mark without a mistake is an error, so each marked line is proven wrong.
  assert.ok((await readFile(join(root, "test/types/wrong.ts"), "utf8")).split("@ts-expect-error").length > 30);
  await cp(join(root, "test/types"), join(folder, "types"), { recursive: true });
  const compilerOptions = {
    target: "es2022",
    lib: ["es2022", "dom", "dom.iterable"],
    module: "nodenext",
    types: [],
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["types"] }));
  await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder]);
});

test("the README's quick start compiles strictly as it stands, and runs", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const [quickstart = ""] = Array.from(readme.matchAll(/^```ts\n(.*?)^```$/gms), ([, code]) => code);
  const [, options = ""] = /^npx tsc (.*?) quickstart\.mts && node quickstart\.mjs$/m.exec(readme) ?? [];
  assert.match(options, /--strict/);
  await writeFile(join(folder, "quickstart.mts"), quickstart);
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  // Node's own types come from here, as the install needs no network.
  const nodeTypes = ["--typeRoots", join(root, "node_modules/@types")];
  await run(process.execPath, [tsc, ...options.split(" "), ...nodeTypes, "quickstart.mts"], { cwd: folder });
  const server = await startServer();
  try {
    const instance = randomUUID();
    const env = {
      ...process.env,
      HYDRAPIN_URL: server.url,
      HYDRAPIN_API_KEY: server.apiKey,
      HYDRAPIN_INSTANCE: instance,
      HYDRAPIN_RUNTIME_KEY: await server.runtimeKey(instance),
    };
    for (const name of Object.keys(env).filter((n) => n.startsWith("HYDRAPIN_")))
      assert.ok(name === "HYDRAPIN_BIN" || readme.includes(`export ${name}=`), name);
    const child = spawn(process.execPath, ["quickstart.mjs"], { cwd: folder, env, stdio: ["pipe", "pipe", "inherit"] });
    const pins = ["111222\n", "804615\n"];
    let shown = "";
    child.stdout.on("data", (chunk: Buffer) => {
      shown += chunk.toString();
      if (shown.endsWith("PIN: ")) child.stdin.write(pins.shift() ?? "0000\n");
    });
    const code = await new Promise((done) => child.once("exit", done));
    const asked = "Send 250.00 EUR to DE89370400440532013000? PIN: ";
    assert.deepEqual([code, shown], [0, `${asked}Incorrect, 4 left.\n${asked}Sent 250.00 EUR.\n`]);
  } finally {
    await server.stop();
  }
});

test("the README documents every reason", async () => {
  const rows = (await readFile(join(root, "README.md"), "utf8")).split("\n").filter((line) => line.startsWith("| `"));
  const source = await readFile(join(root, "src/errors.ts"), "utf8");
  const [, union = ""] = /export type NotConfirmedReason =(.*?);/s.exec(source) ?? [];
  const reasons = Array.from(union.matchAll(/"(\w+)"/g), ([, reason]) => reason);
  assert.equal(reasons.length, 12);
  for (const reason of reasons) assert.ok(rows.some((row) => row.includes(`\`${reason}\``)), reason);
});
