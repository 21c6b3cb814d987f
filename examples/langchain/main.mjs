// An agent on LangChain and LangGraph that can send money, and does so only after a person confirmed with a PIN.
import { createAgent, tool } from "langchain";
import { z } from "zod";

import { Runtime } from "@hydracore/hydrapin";
import { guardTool } from "@hydracore/hydrapin/langchain";

import { model } from "./model.mjs";

const runtime = new Runtime({
  baseUrl: process.env.HYDRAPIN_URL,
  apiKey: process.env.HYDRAPIN_RUNTIME_KEY,
  instanceId: process.env.HYDRAPIN_INSTANCE,
});

const sendMoney = tool(
  // Replace this line by your bank's call. It gets exactly what the person confirmed.
  async ({ amount, currency, iban }) => `Sent ${amount} ${currency} to ${iban}.`,
  {
    name: "send_money",
    description: "Sends money to an IBAN.",
    schema: z.object({ amount: z.string(), currency: z.string(), iban: z.string() }),
  },
);

const guarded = guardTool(
  runtime,
  {
    skill: "payments.transfer",
    role: "owner",
    customer_id: process.env.CUSTOMER,
    summary: "Send {amount} {currency} to {iban}",
    // Send the link by a channel of your own: it is for the person, not for the model.
    onPending: (confirmation) => console.log(`Confirm here: ${confirmation.confirm_url}`),
  },
  sendMoney,
);

const agent = createAgent({ model, tools: [guarded] });
const content = "Send 250.00 EUR to DE89370400440532013000.";
const { messages } = await agent.invoke({ messages: [{ role: "user", content }] });
console.log(messages.at(-1).content);
