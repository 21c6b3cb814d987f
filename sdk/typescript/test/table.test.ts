// The table of cases that the three SDKs share (sdk/testdata): one behaviour in three languages.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";

import {
  MemorySeen,
  NO_ACTION,
  NotConfirmedError,
  ParamsError,
  ReceiptError,
  Runtime,
  SummaryError,
  WebhookError,
  canonicalParams,
  keysFromJwks,
  paramsDigest,
  summary,
  verifyReceipt,
  verifyWebhook,
  type ExpectedReceipt,
  type Grant,
  type GuardOptions,
  type Question,
} from "@hydracore/hydrapin";

import { root } from "./server.js";

interface Exchange {
  readonly expect: { readonly method: string; readonly path: string; readonly body?: Record<string, unknown> };
  readonly reply?: {
    readonly status: number;
    readonly headers?: Record<string, string>;
    readonly confirmation?: Record<string, unknown>;
    readonly remove?: readonly string[];
    readonly json?: unknown;
    readonly text?: string;
  };
  readonly drop?: "all" | "half";
  readonly optional?: boolean;
  readonly after?: number;
  readonly hold?: boolean;
}
interface GuardCase {
  readonly name: string;
  readonly call: Record<string, unknown>;
  readonly exchanges: readonly Exchange[];
  readonly outcome: {
    readonly ran: boolean;
    readonly reason: string | null;
    readonly detail?: string;
    readonly failed?: boolean;
    readonly params: string | null;
    readonly shown?: string;
  };
}
interface Table {
  readonly base: {
    readonly instance_id: string;
    readonly confirmation_id: string;
    readonly api_key: string;
    readonly skill: string;
    readonly role: string;
    readonly customer_id: string;
    readonly confirmation: Record<string, unknown>;
  };
  readonly guard: readonly GuardCase[];
  readonly canonical: readonly {
    readonly name: string;
    readonly call: { readonly params: string; readonly text_only?: boolean };
    readonly outcome: { readonly text?: string; readonly digest?: string; readonly error?: string; readonly member?: string };
  }[];
  readonly summary: readonly {
    readonly name: string;
    readonly call: { readonly template: string; readonly params: string };
    readonly outcome: { readonly text?: string };
  }[];
  readonly url: readonly {
    readonly name: string;
    readonly call: { readonly base_url: string; readonly allow_insecure_transport?: boolean };
    readonly outcome: { readonly accepted: boolean };
  }[];
  readonly receipt: {
    readonly issuer: string;
    readonly jwks: Parameters<typeof keysFromJwks>[0];
    readonly cases: readonly {
      readonly name: string;
      readonly call: {
        readonly receipt: string;
        readonly twice?: boolean;
        readonly expected: Readonly<Record<string, string | null>>;
      };
      readonly outcome: { readonly accepted: boolean; readonly fault: string | null };
    }[];
  };
  readonly webhook: readonly {
    readonly name: string;
    readonly call: {
      readonly secrets: string | readonly string[];
      readonly headers: Record<string, string>;
      readonly payload: string;
      readonly now: number;
    };
    readonly outcome: { readonly accepted: boolean };
  }[];
}

const table = JSON.parse(readFileSync(join(root, "../testdata/cases.json"), "utf8")) as Table;
const { base } = table;
const prefix = `/internal/v1/instances/${base.instance_id}`;
const readOutcome = canReport();

/** Answers the requests of one case, each by the first exchange that fits and is unused. */
class Script {
  readonly problems: string[] = [];
  readonly #exchanges: readonly Exchange[];
  readonly #used: boolean[];
  readonly #answered: { done: Promise<void>; settle: () => void }[];
  readonly #over = settleable();

  constructor(exchanges: readonly Exchange[]) {
    this.#exchanges = exchanges.filter((e) => readOutcome || !e.expect.path.endsWith("/outcome"));
    this.#used = this.#exchanges.map(() => false);
    this.#answered = this.#exchanges.map(settleable);
  }

  async answer(method: string, path: string, body: unknown, key: unknown, response: ServerResponse): Promise<void> {
    const index = this.#exchanges.findIndex((e, i) => !this.#used[i] && fits(e, method, path, body));
    const exchange = this.#exchanges[index];
    if (!exchange || key !== base.api_key) {
      this.problems.push(`unexpected ${method} ${path} ${JSON.stringify(body)}`);
      response.destroy();
      return;
    }
    this.#used[index] = true;
    if (exchange.after !== undefined) await this.#answered[exchange.after]?.done;
    if (exchange.hold) await this.#over.done;
    reply(exchange, response);
    this.#answered[index]?.settle();
  }

  finish(): void {
    this.#over.settle();
    this.#exchanges.forEach((e, i) => {
      if (!this.#used[i] && !e.optional) this.problems.push(`not asked: ${JSON.stringify(e.expect)}`);
    });
    assert.deepEqual(this.problems, []);
  }
}

function settleable() {
  let settle = () => {};
  const done = new Promise<void>((resolve) => (settle = resolve));
  return { done, settle };
}

function fits({ expect }: Exchange, method: string, path: string, body: unknown): boolean {
  if (method !== expect.method || path !== prefix + expect.path.replace("{id}", base.confirmation_id)) return false;
  return expect.body === undefined || contains(body, expect.body);
}

function contains(value: unknown, expected: Record<string, unknown>): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(expected).every(([name, want]) => {
    const got = (value as Record<string, unknown>)[name];
    if (name === "action") return contains(got, want as Record<string, unknown>);
    try {
      assert.deepStrictEqual(got, want);
      return true;
    } catch {
      return false;
    }
  });
}

function reply(exchange: Exchange, response: ServerResponse): void {
  if (exchange.drop === "all") {
    response.destroy();
    return;
  }
  const given = exchange.reply;
  const { status = 200, headers = {}, confirmation, remove = [], json, text = "" } = given ?? {};
  const members = { ...base.confirmation, ...(exchange.drop === "half" ? { status: "redeemed" } : confirmation) };
  const whole = Object.fromEntries(Object.entries(members).filter(([name]) => !remove.includes(name)));
  const body = confirmation || exchange.drop ? JSON.stringify(whole) : given && "json" in given ? JSON.stringify(json) : text;
  const bytes = Buffer.from(body);
  response.writeHead(status, { "Content-Type": "application/json", ...headers, ...(status === 204 ? {} : { "Content-Length": bytes.length }) });
  if (exchange.drop === "half") {
    response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
    return;
  }
  response.end(status === 204 ? undefined : bytes);
}

async function serve<T>(script: Script, run: (url: string) => Promise<T>): Promise<T> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      const path = (request.url ?? "").replace(/\?.*/, "");
      void script.answer(request.method ?? "", path, text && JSON.parse(text), request.headers["x-api-key"], response);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  try {
    return await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function questionOf(call: Record<string, unknown>): Question {
  const asked: Record<string, unknown> = {};
  for (const name of ["skill", "role", "customer_id"] as const) asked[name] = name in call ? call[name] : base[name];
  for (const name of ["identity_id", "idempotency_key"]) if (name in call) asked[name] = call[name];
  if ("summary" in call)
    asked["action"] = { summary: call["summary"], params: JSON.parse(String(call["params"])) as unknown };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== null)) as unknown as Question;
}

class FunctionFailed extends Error {}

describe("guard", () => {
  for (const { name, call, exchanges, outcome } of table.guard) {
    test(name, async () => {
      const script = new Script(exchanges);
      const grants: Grant[] = [];
      const shown: (string | null)[] = [];
      const controller = new AbortController();
      const result = await serve(script, async (url) => {
        const runtime = new Runtime({
          baseUrl: url,
          apiKey: base.api_key,
          instanceId: base.instance_id,
          retry: { attempts: Number(call["retries"] ?? 0) + 1, baseDelayMs: 1 },
        });
        const onPending: GuardOptions["onPending"] = async (c) => {
          switch (call["on_pending"]) {
            case "show":
              shown.push(c.confirm_url);
              break;
            case "verify":
              await runtime.verifyConfirmation(c.id, "804615");
              break;
            case "fail":
              throw new Error("on_pending failed");
            case "cancel":
              controller.abort();
          }
        };
        const options: GuardOptions = {
          signal: controller.signal,
          ...("on_pending" in call && { onPending }),
          ...("wait" in call && { waitMs: Number(call["wait"]) * 1000 }),
          ...("allow_not_required" in call && { allowNotRequired: Boolean(call["allow_not_required"]) }),
        };
        const run = (grant: Grant) => {
          grants.push(grant);
          if (call["function"] === "fail") throw new FunctionFailed();
          return "done";
        };
        const ended = await runtime.guard(questionOf(call), run, options).catch((error: unknown) => error);
        script.finish();
        return ended;
      });
      assert.equal(grants.length, outcome.ran ? 1 : 0, String(result));
      if (!outcome.ran) {
        assert.ok(result instanceof NotConfirmedError, String(result));
        assert.deepEqual([result.reason, result.detail], [outcome.reason, outcome.detail ?? null]);
        return;
      }
      if (outcome.failed) assert.ok(result instanceof FunctionFailed);
      else assert.equal(result, "done");
      const params = grants[0]?.params ?? null;
      assert.equal(params && canonicalParams(params), outcome.params);
      assert.deepEqual(shown, outcome.shown === undefined ? [] : [outcome.shown]);
    });
  }
});

describe("canonical params", () => {
  // What only a reader of the text could see is gone once JavaScript has read it.
  for (const { name, call, outcome } of table.canonical.filter(({ call }) => !call.text_only)) {
    test(name, async () => {
      const params = JSON.parse(call.params) as Record<string, unknown>;
      if (outcome.text !== undefined) {
        assert.equal(canonicalParams(params), outcome.text);
        assert.equal(await paramsDigest(params), outcome.digest);
        return;
      }
      assert.throws(
        () => canonicalParams(params),
        (error: unknown) => {
          assert.ok(error instanceof ParamsError);
          if (outcome.member === undefined) return true;
          assert.ok(error.message.startsWith(`${outcome.member} `), error.message);
          return /surrogate|pass a string/.test(error.message);
        },
      );
    });
  }
});

describe("summary", () => {
  for (const { name, call, outcome } of table.summary) {
    test(name, () => {
      const fill = () => summary(call.template, JSON.parse(call.params) as Record<string, unknown>);
      if (outcome.text !== undefined) assert.equal(fill(), outcome.text);
      else assert.throws(fill, (e: unknown) => e instanceof SummaryError || e instanceof ParamsError);
    });
  }
});

describe("address of the server", () => {
  for (const { name, call, outcome } of table.url) {
    test(name, () => {
      const make = () =>
        new Runtime({
          baseUrl: call.base_url,
          allowInsecureTransport: call.allow_insecure_transport ?? false,
          apiKey: "k",
          instanceId: base.instance_id,
        });
      if (outcome.accepted) make();
      else assert.throws(make, (e: unknown) => e instanceof TypeError && !e.message.includes("secret"));
    });
  }
});

describe("receipt", () => {
  for (const { name, call, outcome } of table.receipt.cases) {
    test(name, async () => {
      const { params, ...rest } = call.expected;
      const expected = {
        tenantId: rest["tenant_id"],
        instanceId: rest["instance_id"],
        holderType: rest["holder_type"],
        holderId: rest["holder_id"],
        skill: rest["skill"],
        params: params === null || params === undefined ? NO_ACTION : (JSON.parse(params) as Record<string, unknown>),
      } as ExpectedReceipt;
      const trust = { issuer: table.receipt.issuer, keys: keysFromJwks(table.receipt.jwks), seen: new MemorySeen() };
      const verify = () => verifyReceipt(call.receipt, expected, trust);
      if (call.twice) await verify();
      if (outcome.accepted) {
        await verify();
        return;
      }
      await assert.rejects(verify, (error: unknown) => {
        assert.ok(error instanceof ReceiptError, String(error));
        assert.equal(error.code, outcome.fault);
        return true;
      });
    });
  }
});

describe("webhook", () => {
  for (const { name, call, outcome } of table.webhook) {
    test(name, async () => {
      const verify = () =>
        verifyWebhook(call.secrets, { headers: call.headers, body: call.payload }, new Date(call.now * 1000));
      if (outcome.accepted) assert.deepEqual(await verify(), JSON.parse(call.payload));
      else await assert.rejects(verify, WebhookError);
    });
  }
});

/** Whether this version of the contract has the operation that reports outcomes. */
function canReport(): boolean {
  return "reportOutcome" in Runtime.prototype;
}
