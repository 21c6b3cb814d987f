// A server that answers what a test tells it to, and notes what it was asked.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  /** Breaks the connection in place of an answer. */
  readonly hangUp?: boolean;
  /** Never answers. */
  readonly silent?: boolean;
}

export interface Fake {
  readonly url: string;
  readonly seen: Seen[];
  stop(): Promise<void>;
}

/** Starts it. The function gives the answer to each request; it may be asynchronous. */
export async function startFake(answer: (seen: Seen, count: number) => Reply | Promise<Reply>): Promise<Fake> {
  const seen: Seen[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => void respond(request, response, Buffer.concat(chunks).toString()));
  });
  async function respond(request: IncomingMessage, response: ServerResponse, text: string) {
    const one: Seen = {
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers,
      body: text === "" ? undefined : JSON.parse(text),
    };
    seen.push(one);
    const reply = await answer(one, seen.length);
    if (reply.silent) return;
    if (reply.hangUp) {
      request.socket.destroy();
      return;
    }
    const { status = 200, headers = {}, body } = reply;
    response.writeHead(status, {
      "Content-Type": status < 400 ? "application/json" : "application/problem+json",
      ...headers,
    });
    response.end(body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body));
  }
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

export function problem(code: string, status: number, more: Record<string, unknown> = {}): Reply {
  const body = {
    type: `urn:hydrapin:problem:${code}`,
    title: code,
    status,
    detail: `detail of ${code}`,
    request_id: "req-1",
    ...more,
  };
  return { status, body };
}

export const customer = "497f6eca-6276-4993-bfeb-53cbbbba6f08";
export const identity = "5e1f0a52-9c1f-4d5e-8f53-3a2d1c0b9a88";
export const instance = "0d8bf4c6-2f0e-4f1c-9a55-9d3f3f8d3a11";
export const confirmationId = "7c0e2b54-7f0b-4c53-8f0e-5b8e5a3f9d21";

export const pinStatus = {
  has_pin: true,
  is_active: true,
  is_locked: false,
  locked_until: null,
  created_at: "2026-11-01T09:30:00.000000Z",
  set_by: "admin",
};

export function confirmation(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: confirmationId,
    status: "pending",
    reason: null,
    skill: "payments.transfer",
    role: "owner",
    customer_id: customer,
    identity_id: null,
    action_summary: null,
    action_digest: null,
    created_at: "2026-11-01T09:30:00.000000Z",
    expires_at: "2026-11-01T09:35:00.000000Z",
    session_expires_at: null,
    attempts_remaining: null,
    locked_until: null,
    confirm_url: null,
    outcome: null,
    outcome_at: null,
    receipt: null,
    ...more,
  };
}
