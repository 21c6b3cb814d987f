// The model. Without a key it is a script that calls the tool once, so that the example runs anywhere; for a real one
// install a provider and export, for example, `openai("gpt-5")` from "@ai-sdk/openai" as `model`.
import { MockLanguageModelV3 } from "ai/test";

const usage = { inputTokens: { total: 0 }, outputTokens: { total: 0 } };
const input = JSON.stringify({ amount: "250.00", currency: "EUR", iban: "DE89370400440532013000" });

export const model = new MockLanguageModelV3({
  doGenerate: async ({ prompt }) => {
    const results = prompt.filter((message) => message.role === "tool").flatMap((message) => message.content);
    const content =
      results.length === 0
        ? [{ type: "tool-call", toolCallId: `call_${crypto.randomUUID()}`, toolName: "send_money", input }]
        : [{ type: "text", text: `The tool said: ${results.at(-1).output.value}` }];
    const finishReason = { unified: results.length === 0 ? "tool-calls" : "stop", raw: undefined };
    return { content, finishReason, usage, warnings: [] };
  },
});
