// An MCP server with a tool that sends money, and does so only after a person confirmed with a PIN.
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

import { NotConfirmedError, Runtime, sentenceFor, summary } from "@hydracore/hydrapin";

const runtime = new Runtime({
  baseUrl: process.env.HYDRAPIN_URL,
  apiKey: process.env.HYDRAPIN_RUNTIME_KEY,
  instanceId: process.env.HYDRAPIN_INSTANCE,
});

const server = new McpServer({ name: "bank", version: "1.0.0" });
server.registerTool(
  "send_money",
  {
    description: "Sends money to an IBAN.",
    inputSchema: { amount: z.string(), currency: z.string(), iban: z.string() },
  },
  async (args, { signal }) => {
    const question = {
      skill: "payments.transfer",
      role: "owner",
      customer_id: process.env.CUSTOMER,
      action: { summary: summary("Send {amount} {currency} to {iban}", args), params: args },
    };
    // Send the link by a channel of your own: it is for the person, not for the model.
    const onPending = (confirmation) => console.error(`Confirm here: ${confirmation.confirm_url}`);
    try {
      return text(await runtime.guard(question, ({ params }) => sendMoney(params), { onPending, signal }));
    } catch (error) {
      if (!(error instanceof NotConfirmedError)) throw error;
      return { ...text(sentenceFor(error.reason)), isError: true };
    }
  },
);
await server.connect(new StdioServerTransport());

// Replace this line by your bank's call. It gets exactly what the person confirmed.
function sendMoney({ amount, currency, iban }) {
  return `Sent ${amount} ${currency} to ${iban}.`;
}

function text(value) {
  return { content: [{ type: "text", text: value }] };
}
