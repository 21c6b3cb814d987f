// Builds dist/: the program, its types, and beside them the types generated from the contract, so that the published
// package needs nothing from outside.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");

rmSync(here("dist"), { recursive: true, force: true });
rmSync(here("build"), { recursive: true, force: true });
execFileSync(process.execPath, [tsc, "-p", here("tsconfig.json")], { stdio: "inherit" });
mkdirSync(here("dist"), { recursive: true });
copyFileSync(here("../../gen/typescript/schema.d.ts"), here("dist/schema.d.ts"));
copyFileSync(here("../../LICENSE"), here("LICENSE"));
