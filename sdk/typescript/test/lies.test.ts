// A server that lies at one step: a few thousand generated answers, the same in every language (sdk/testdata/lies.json).
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";

import { NotConfirmedError, Runtime, type Question } from "@hydracore/hydrapin";

import { root } from "./server.js";

interface Step {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly body: string;
  readonly changes: readonly { readonly remove?: string; readonly member?: string; readonly value?: unknown }[];
  readonly statuses: readonly number[];
}
interface Lies {
  readonly seeds: number;
  readonly question: {
    readonly instance_id: string;
    readonly skill: string;
    readonly role: "owner" | "customer";
    readonly customer_id: string;
    readonly summary: string;
    readonly params: string;
  };
  readonly confirmation_id: string;
  readonly other_id: string;
  readonly kinds: readonly string[];
  readonly steps: readonly Step[];
  readonly bodies: readonly string[];
  readonly problem_statuses: readonly number[];
  readonly codes: readonly string[];
  readonly redirects: readonly number[];
  readonly headers: readonly Readonly<Record<string, string>>[];
  readonly check: { readonly first: readonly (readonly number[])[]; readonly sha256: string };
}

const lies = JSON.parse(readFileSync(join(root, "../testdata/lies.json"), "utf8")) as Lies;
const { instance_id: instanceId, summary, params, ...asked } = lies.question;
const question: Question = { ...asked, action: { summary, params: JSON.parse(params) as Record<string, unknown> } };

/** What is answered at one step; undefined closes the connection. */
interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly length: number;
  readonly headers: Record<string, string>;
}
interface Lie {
  readonly step: Step;
  readonly answer: Answer | undefined;
  readonly values: readonly number[];
}

function lieOf(seed: number): Lie {
  const values: number[] = [];
  let state = Number((BigInt(seed) * 2654435761n) % 4294967296n);
  const pick = (n: number): number => {
    state = (state ^ (state << 13)) >>> 0;
    state = (state ^ (state >>> 17)) >>> 0;
    state = (state ^ (state << 5)) >>> 0;
    values.push(state % n);
    return state % n;
  };
  const of = <T>(list: readonly T[]): T => list[pick(list.length)] as T;
  const step = of(lies.steps);
  const kind = of(lies.kinds);
  let { status, body } = step;
  let bytes: Buffer | undefined;
  let length: number | undefined;
  const headers: Record<string, string> = {};
  switch (kind) {
    case "fields": {
      const members = JSON.parse(body) as Record<string, unknown>;
      for (let left = 1 + pick(3); left > 0; left--) {
        const change = of(step.changes);
        if (change.remove !== undefined) delete members[change.remove];
        else members[change.member ?? ""] = change.value;
      }
      body = JSON.stringify(members);
      break;
    }
    case "body":
      body = of(lies.bodies);
      break;
    case "half": {
      const whole = Buffer.from(body);
      bytes = whole.subarray(0, pick(whole.length));
      length = pick(2) === 0 ? whole.length : bytes.length;
      break;
    }
    case "status":
      status = of(step.statuses);
      break;
    case "problem":
      status = of(lies.problem_statuses);
      body = JSON.stringify({ type: `urn:hydrapin:problem:${of(lies.codes)}`, title: "t", status, detail: "d", request_id: "r1" });
      break;
    case "redirect":
      status = of(lies.redirects);
      headers["Location"] = "/honest";
      break;
    case "other":
      body = JSON.stringify({ ...(JSON.parse(body) as object), id: lies.other_id });
  }
  Object.assign(headers, of(lies.headers));
  bytes ??= Buffer.from(body);
  const answer = kind === "drop" ? undefined : { status, body: bytes, length: length ?? bytes.length, headers };
  return { step, answer, values };
}

let lie: Lie | undefined;
const server = createServer((request, response) => {
  request.resume();
  request.on("end", () => respond(request, response));
});
await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
after(() => {
  server.closeAllConnections();
  server.close();
});
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function respond(request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? "").replace(/\?.*/, "").replace(/^\/honest/, "");
  const step = lies.steps.find((s) => s.method === request.method && pathOf(s) === path);
  response.setHeader("Connection", "close");
  if (!step) {
    response.writeHead(request.method === "DELETE" ? 204 : 404).end();
    return;
  }
  const honest = { status: step.status, body: Buffer.from(step.body), length: Buffer.byteLength(step.body), headers: {} };
  const lying = lie?.step === step && !request.url?.startsWith("/honest");
  const answer = lying ? lie?.answer : honest;
  if (!answer) {
    request.socket.destroy();
    return;
  }
  const headers: Record<string, string> = { "Content-Type": "application/json", "Content-Length": String(answer.length), ...answer.headers };
  if (headers["Location"] !== undefined) headers["Location"] += path;
  try {
    response.writeHead(answer.status, headers);
    response.write(answer.body, () => response.destroy());
  } catch {
    // Some statuses have no body.
    request.socket.destroy();
  }
}

function pathOf(step: Step): string {
  return `/internal/v1/instances/${instanceId}${step.path.replace("{id}", lies.confirmation_id)}`;
}

const runtime = new Runtime({ baseUrl: url, apiKey: "hc_agent_test_0123456789", instanceId, retry: { attempts: 1 } });

test("the generator is the one of the other languages", () => {
  const all = Array.from({ length: lies.seeds }, (_, i) => lieOf(i + 1).values);
  assert.deepEqual(all.slice(0, lies.check.first.length), lies.check.first);
  const text = all.map((values) => values.join(" ") + "\n").join("");
  assert.equal(createHash("sha256").update(text).digest("hex"), lies.check.sha256);
});

test("an honest server lets the function run", async () => {
  lie = undefined;
  assert.equal(await runtime.guard(question, () => "ran", { waitMs: 0 }), "ran");
});

test("no lie makes it run", async () => {
  const believed: number[] = [];
  for (let seed = 1; seed <= lies.seeds; seed++) {
    lie = lieOf(seed);
    const result = await runtime.guard(question, () => "ran", { waitMs: 0 }).catch((error: unknown) => error);
    if (!(result instanceof NotConfirmedError)) believed.push(seed);
  }
  assert.deepEqual(believed, [], "seeds that were believed");
});
