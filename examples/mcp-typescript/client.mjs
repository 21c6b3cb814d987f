// Stands in for an MCP client and its model: it starts the server and calls the tool once. For a real one, name
// `node main.mjs` as the server's command in your client's settings.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const client = new Client({ name: "example", version: "1.0.0" });
await client.connect(new StdioClientTransport({ command: process.execPath, args: ["main.mjs"], env: process.env }));
const call = { name: "send_money", arguments: { amount: "250.00", currency: "EUR", iban: "DE89370400440532013000" } };
const { content } = await client.callTool(call, undefined, { timeout: 400_000 });
console.log(`The tool said: ${content[0].text}`);
await client.close();
