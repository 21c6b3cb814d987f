// The adapters with the frameworks' own tools, against a server that answers as the real one.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";

import { tool as langchainTool } from "@langchain/core/tools";
import { tool as agentsTool, RunContext } from "@openai/agents";
import { tool as aiTool, type Tool } from "ai";
import { z } from "zod";

import { Runtime, paramsDigest } from "@hydracore/hydrapin";
import { guardTool as guardAi, sentenceFor, type ToolRule } from "@hydracore/hydrapin/ai";
import { guardTool as guardLangchain } from "@hydracore/hydrapin/langchain";
import { guardTool as guardAgents } from "@hydracore/hydrapin/openai-agents";

import { confirmation, customer, instance, problem, startFake, type Reply, type Seen } from "./fake.js";

const stops: (() => Promise<void>)[] = [];
after(() => Promise.all(stops.map((stop) => stop())));

const args = { amount: "250.00", to: "DE89" };
const digest = await paramsDigest(args);
const parameters = z.object({ amount: z.string(), to: z.string() });
const rule: ToolRule = { skill: "payments.transfer", role: "owner", customer_id: customer, summary: "Send {amount} to {to}" };
const asked = { action_summary: "Send 250.00 to DE89", action_digest: digest };
const callId = "call_7Xk2";

/** A runtime whose person says yes, or whose ask is answered otherwise. */
async function runtimeOf(ask: () => Reply = () => ({ status: 201, body: confirmation(asked) })) {
  const server = await startFake((seen: Seen) => {
    if (seen.path.endsWith("/redeem")) return { body: confirmation({ ...asked, status: "redeemed" }) };
    if (seen.method === "GET")
      return { body: confirmation({ ...asked, status: "approved", reason: "pin", receipt: "a.b.c" }) };
    return seen.method === "DELETE" ? { status: 204 } : ask();
  });
  stops.push(server.stop);
  const runtime = new Runtime({ baseUrl: server.url, apiKey: "hc_agent_a_b", instanceId: instance, retry: { attempts: 1 } });
  return { runtime, seen: server.seen };
}

type Call = (runtime: Runtime, run: (args: unknown) => string) => Promise<unknown>;

const frameworks: Record<string, Call> = {
  "Vercel AI SDK": async (runtime, run) => {
    const plain: Tool<typeof args, string> = aiTool({ inputSchema: parameters, execute: async (input) => run(input) });
    const { execute } = guardAi(runtime, rule, plain);
    return execute?.(args, { toolCallId: callId, messages: [] });
  },
  "OpenAI Agents SDK": (runtime, run) => {
    const plain = agentsTool({ name: "send_money", description: "Sends", parameters, execute: async (input) => run(input) });
    const toolCall = { type: "function_call", callId, name: "send_money", arguments: "" } as const;
    return guardAgents(runtime, rule, plain).invoke(new RunContext({}), JSON.stringify(args), { toolCall });
  },
  LangChain: async (runtime, run) => {
    const plain = langchainTool(async (input: unknown) => run(input), {
      name: "send_money",
      description: "Sends",
      schema: parameters,
    });
    const call = { type: "tool_call", id: callId, name: "send_money", args } as const;
    const message: unknown = await guardLangchain(runtime, rule, plain as never).invoke(call);
    return (message as { content: unknown }).content;
  },
};

for (const [name, call] of Object.entries(frameworks)) {
  describe(name, () => {
    test("runs with the confirmed arguments, and asks with the call's id", async () => {
      const { runtime, seen } = await runtimeOf();
      const ran: unknown[] = [];
      assert.equal(await call(runtime, (input) => (ran.push(input), "sent")), "sent");
      assert.deepEqual(ran, [args]);
      const body = seen[0]?.body as Record<string, unknown>;
      assert.equal(body["idempotency_key"], callId);
      assert.deepEqual(body["action"], { summary: asked.action_summary, params: args });
    });
    for (const [what, reply, reason] of [
      ["a blocked PIN", { body: blocked("pin_locked") }, "blocked"],
      ["no PIN required", { body: notRequired() }, "not_required"],
      ["a server that cannot answer", problem("unavailable", 503), "unreachable"],
      ["another answer", { body: {} }, "unrecognised"],
    ] as const) {
      test(`${what} gives one fixed sentence, and does not run`, async () => {
        const { runtime } = await runtimeOf(() => reply);
        assert.equal(await call(runtime, () => assert.fail("ran")), sentenceFor(reason));
        assert.doesNotMatch(sentenceFor(reason), /http|[0-9]/);
      });
    }
  });
}

test("a template that cannot be filled asks nothing", async () => {
  const { runtime, seen } = await runtimeOf();
  const plain: Tool<typeof args, string> = aiTool({ inputSchema: parameters, execute: async (): Promise<string> => assert.fail("ran") });
  const { execute } = guardAi(runtime, { ...rule, summary: "Send {amount} to {iban}" }, plain);
  assert.equal(await execute?.(args, { toolCallId: callId, messages: [] }), sentenceFor("invalid"));
  assert.deepEqual(seen, []);
});

test("what the tool throws passes unchanged", async () => {
  const { runtime } = await runtimeOf();
  const failure = new Error("no funds");
  const plain: Tool<typeof args, string> = aiTool({ inputSchema: parameters, execute: async (): Promise<string> => Promise.reject(failure) });
  const { execute } = guardAi(runtime, rule, plain);
  await assert.rejects(async () => execute?.(args, { toolCallId: callId, messages: [] }), failure);
});

function blocked(reason: string) {
  return confirmation({ id: null, created_at: null, expires_at: null, status: "blocked", reason });
}
function notRequired() {
  return confirmation({ id: null, created_at: null, expires_at: null, status: "not_required", reason: "skill_not_listed" });
}
