// An agent on the Vercel AI SDK that can send money, and does so only after a person confirmed with a PIN.
import { generateText, stepCountIs, tool } from "ai";
import { z } from "zod";

import { Runtime } from "@hydracore/hydrapin";
import { guardTool } from "@hydracore/hydrapin/ai";

import { model } from "./model.mjs";

const runtime = new Runtime({
  baseUrl: process.env.HYDRAPIN_URL,
  apiKey: process.env.HYDRAPIN_RUNTIME_KEY,
  instanceId: process.env.HYDRAPIN_INSTANCE,
});

const sendMoney = tool({
  description: "Sends money to an IBAN.",
  inputSchema: z.object({ amount: z.string(), currency: z.string(), iban: z.string() }),
  // Replace this line by your bank's call. It gets exactly what the person confirmed.
  execute: async ({ amount, currency, iban }) => `Sent ${amount} ${currency} to ${iban}.`,
});

const tools = {
  send_money: guardTool(
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
  ),
};

const prompt = "Send 250.00 EUR to DE89370400440532013000.";
const { text } = await generateText({ model, tools, prompt, stopWhen: stepCountIs(5) });
console.log(text);
