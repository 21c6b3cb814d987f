// The model. It is a script that calls the tool once, so that the example runs anywhere; for a real one set
// OPENAI_API_KEY and export `model = "gpt-5"`.
import { Usage } from "@openai/agents";

const input = JSON.stringify({ amount: "250.00", currency: "EUR", iban: "DE89370400440532013000" });

export const model = {
  async getResponse({ input: items }) {
    const results = Array.isArray(items) ? items.filter((item) => item.type === "function_call_result") : [];
    const said = results.at(-1)?.output;
    const output =
      results.length === 0
        ? [{ type: "function_call", callId: `call_${crypto.randomUUID()}`, name: "send_money", arguments: input, status: "completed" }]
        : [message(`The tool said: ${typeof said === "string" ? said : said.text}`)];
    return { usage: new Usage(), output };
  },
  getStreamedResponse() {
    throw new Error("this script does not stream");
  },
};

function message(text) {
  return { type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", text }] };
}
