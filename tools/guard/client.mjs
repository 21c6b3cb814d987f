// One client of the TypeScript SDK, of either generation, that lists the tools of a server, calls one
// that needs no PIN, and then one that needs it. It reads what to do as JSON from its argument, and
// prints what it saw as JSON:
//
//	{sdk: 1|2, revision, command?, args?, env?, url?, capabilities?, free: {name, arguments}, guarded?}
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as Stdio1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as HTTP1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitationCompleteNotificationSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { Client as Client2, StreamableHTTPClientTransport as HTTP2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as Stdio2 } from '@modelcontextprotocol/client/stdio';

const order = JSON.parse(process.argv[2]);
const [Client, Stdio, HTTP] = order.sdk === 1 ? [Client1, Stdio1, HTTP1] : [Client2, Stdio2, HTTP2];
const saw = { elicitations: [], completed: 0, progress: 0 };

const options = {};
if (order.capabilities) options.capabilities = order.capabilities;
if (order.sdk === 2) options.versionNegotiation = { mode: order.revision === '2026-07-28' ? 'auto' : 'legacy' };
const client = new Client({ name: `typescript-${order.sdk}`, version: '1.0.0' }, options);
if (order.capabilities?.elicitation) {
	const elicit = async (request) => {
		saw.elicitations.push({ mode: request.params.mode, url: request.params.url });
		return { action: 'accept' };
	};
	const complete = () => saw.completed++;
	client.setRequestHandler(order.sdk === 1 ? ElicitRequestSchema : 'elicitation/create', elicit);
	client.setNotificationHandler(order.sdk === 1 ? ElicitationCompleteNotificationSchema : 'notifications/elicitation/complete', complete);
}

const transport = order.url
	? new HTTP(new URL(order.url))
	: new Stdio({ command: order.command, args: order.args, env: order.env, stderr: 'inherit' });
await client.connect(transport);
saw.revision = order.sdk === 2 ? client.getNegotiatedProtocolVersion() : transport.protocolVersion ?? '2025-11-25';
saw.tools = (await client.listTools()).tools;

const call = ({ name, arguments: args }) => {
	const params = { name, arguments: args };
	const more = { timeout: 60_000, onprogress: () => saw.progress++ };
	return order.sdk === 1 ? client.callTool(params, undefined, more) : client.callTool(params, more);
};
saw.free = await call(order.free);
saw.progress = 0;
if (order.guarded) saw.guarded = await call(order.guarded);
await client.close();
console.log(JSON.stringify(saw));
