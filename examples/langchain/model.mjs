// The model. It is a script that calls the tool once, so that the example runs anywhere; for a real one install a
// provider and export, for example, `new ChatOpenAI({ model: "gpt-5" })` from "@langchain/openai" as `model`.
import { AIMessage, fakeModel } from "langchain";

const args = { amount: "250.00", currency: "EUR", iban: "DE89370400440532013000" };

export const model = fakeModel()
  .respondWithTools([{ name: "send_money", args, id: `call_${crypto.randomUUID()}` }])
  .respond((messages) => new AIMessage(`The tool said: ${messages.at(-1).content}`));
