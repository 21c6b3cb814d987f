import createClient, { type Client } from "openapi-fetch";

import { serverAddress } from "./address.js";
import {
  BusyError,
  ConnectionError,
  HydrapinError,
  TimeoutError,
  TooManyRequestsError,
  UnexpectedAnswerError,
  contextOf,
  errorOf,
  retryAfterOf,
} from "./errors.js";
import { table, type AnswerOf, type Operation, type OperationId } from "./operations.js";
import type { paths } from "./schema.js";
import { Secret } from "./secret.js";
import { version } from "./version.js";

/** Gets a bearer token for one request. It is called before every attempt and may keep a token that is still good. */
export type TokenSource = (signal: AbortSignal) => string | Secret | Promise<string | Secret>;

/** With what the server is called: an API key or runtime key, or a bearer token or a source of them. */
export type Credentials =
  | { readonly apiKey: string | Secret; readonly token?: never }
  | { readonly token: string | Secret | TokenSource; readonly apiKey?: never };

/** How calls that may be repeated are repeated. */
export interface RetryOptions {
  /** How often such a call is tried, the first time included; 5 when absent, 1 turns repeating off. */
  readonly attempts?: number;
  /** The first pause, half of it by chance; it doubles with each attempt. 200 when absent. */
  readonly baseDelayMs?: number;
  /** The longest pause. A server that asks for a longer one (Retry-After) is not called again. 30,000 when absent. */
  readonly maxDelayMs?: number;
}

/** What a client needs. */
export type ClientOptions = Credentials &
  CommonOptions & {
    /** Where the server is, a path prefix included: `https://pin.example.com`. */
    readonly baseUrl: string;
  };

/** How a client calls, whatever it calls and with what. */
export interface CommonOptions {
  /** How long one attempt may take, its answer included; the seconds of a long poll come on top. 15,000 when absent. */
  readonly timeoutMs?: number;
  readonly retry?: RetryOptions;
  /** Called in place of the global fetch: a custom HTTP client. It must not follow redirects. */
  readonly fetch?: (request: Request) => Promise<Response>;
  /** Called after every attempt. What it throws is ignored. */
  readonly onResponse?: (info: ResponseInfo) => void;
  /** Allows plain http to another machine. Whoever is on that network then reads PINs and forges answers. */
  readonly allowInsecureTransport?: boolean;
}

/** What can be said of one call. */
export interface CallOptions {
  /** Ends the call; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** In place of the client's timeoutMs. */
  readonly timeoutMs?: number | undefined;
}

/** An answer with a documented success status. */
export interface Answer<T> {
  readonly data: T;
  readonly response: Response;
}

/** What is sent with an operation. */
export interface Sent {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly header?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** The seconds of a long poll, which come on top of the timeout. */
  readonly waitSeconds?: number;
  /** Repeats an operation that is otherwise sent once: an ask with a key. */
  readonly repeatable?: boolean;
}

/** One answer, for a log or a metric. It holds no body, no address and no credential. */
export interface ResponseInfo {
  /** The operation's id in the contract. */
  readonly operation: OperationId;
  /** The HTTP status, or null where no whole answer came. */
  readonly status: number | null;
  readonly requestId: string | null;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly durationMs: number;
}

// Statuses of a server, or of what is in front of it, that may pass.
const passing = new Set([429, 502, 503, 504]);
// setTimeout takes no longer one: it would fire at once.
const longestTimeout = 2 ** 31 - 1;

/** Sends operations: credentials, timeouts, repeats, and every answer that is no success as a typed error. */
export class Transport {
  // Private fields are shown by no logger, and hold credentials.
  readonly #http: Client<paths>;
  readonly #fetch: (request: Request) => Promise<Response>;
  readonly #apiKey: string | undefined;
  readonly #token: TokenSource | undefined;
  readonly #timeoutMs: number;
  readonly #retry: Required<RetryOptions>;
  readonly #onResponse: ((info: ResponseInfo) => void) | undefined;

  constructor(options: ClientOptions) {
    const { apiKey, token } = options;
    if ((apiKey === undefined) === (token === undefined)) throw new TypeError("give exactly one of apiKey and token");
    this.#apiKey = apiKey === undefined ? undefined : credential(apiKey, "apiKey");
    this.#token = token === undefined || typeof token === "function" ? token : constantly(credential(token, "token"));
    this.#timeoutMs = positive(options.timeoutMs ?? 15_000, "timeoutMs");
    this.#retry = {
      attempts: positive(options.retry?.attempts ?? 5, "retry.attempts"),
      baseDelayMs: positive(options.retry?.baseDelayMs ?? 200, "retry.baseDelayMs"),
      maxDelayMs: positive(options.retry?.maxDelayMs ?? 30_000, "retry.maxDelayMs"),
    };
    this.#onResponse = options.onResponse;
    this.#fetch = options.fetch ?? ((request) => fetch(request));
    this.#http = createClient<paths>({
      baseUrl: serverAddress(options.baseUrl, options.allowInsecureTransport ?? false),
      // A redirect would carry the key or the PIN to an address that nobody named: it is an answer that is not known.
      redirect: "manual",
      credentials: "omit",
      cache: "no-store",
      referrerPolicy: "no-referrer",
    });
  }

  /** Sends an operation, again where that is safe, and returns the answer of a success. */
  async call<Id extends OperationId>(id: Id, sent: Sent, options: CallOptions = {}): Promise<Answer<AnswerOf<Id>>> {
    const { waitSeconds = 0, repeatable = table[id].repeatable } = sent;
    const timeoutMs = positive(options.timeoutMs ?? this.#timeoutMs, "timeoutMs") + waitSeconds * 1000;
    for (let attempt = 1; ; attempt++) {
      const began = performance.now();
      const outcome = await this.#attempt(id, sent, timeoutMs, options.signal);
      this.#report(id, outcome, attempt, performance.now() - began);
      if ("data" in outcome) return outcome as Answer<AnswerOf<Id>>;
      const pause = attempt < this.#retry.attempts ? this.#pause(attempt, outcome, repeatable) : null;
      if (pause === null) throw outcome.error;
      await sleep(pause, options.signal);
    }
  }

  #report(operation: OperationId, outcome: Answer<unknown> | Failure, attempt: number, durationMs: number): void {
    const { response } = outcome;
    const context = response ? contextOf(response) : { status: null, requestId: null };
    try {
      this.#onResponse?.({ operation, ...context, attempt, durationMs });
    } catch {
      // A broken log must not decide whether a skill runs.
    }
  }

  /** How many milliseconds to wait before the next attempt, or null when there is to be none. */
  #pause(attempt: number, failure: Failure, repeatable: boolean): number | null {
    // These two say that nothing was done. Otherwise only what can do no harm is repeated.
    const undone = failure.error instanceof TooManyRequestsError || failure.error instanceof BusyError;
    if (!undone && (!repeatable || (failure.response && !passing.has(failure.response.status)))) return null;
    const { baseDelayMs, maxDelayMs } = this.#retry;
    const asked = ((failure.response && retryAfterOf(failure.response)) ?? 0) * 1000;
    if (asked > maxDelayMs) return null;
    // Partly by chance, so that those who failed together do not come back together.
    if (asked > 0) return asked + Math.random() * baseDelayMs;
    const half = Math.min(maxDelayMs, baseDelayMs * 2 ** (attempt - 1)) / 2;
    return half + Math.random() * half;
  }

  async #attempt(
    id: OperationId,
    sent: Sent,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Answer<unknown> | Failure> {
    signal?.throwIfAborted();
    const operation: Operation = table[id];
    const deadline = new Deadline(timeoutMs, signal);
    let response: Response | undefined;
    try {
      const headers = { ...userAgent(), ...(await deadline.race(this.#credentials(deadline.signal))), ...sent.header };
      const init = {
        params: { path: sent.path, query: sent.query },
        ...(operation.text ? { parseAs: "text" } : {}),
        ...(sent.body === undefined ? {} : { body: sent.body }),
        headers,
        signal: deadline.signal,
        fetch: async (request: Request) => (response = await this.#fetch(request)),
      };
      const answered = send(this.#http, operation, init);
      const { data, error } = await deadline.race(answered.catch((cause: unknown) => Promise.reject(new Unread(cause))));
      return judge(operation, data, error, response);
    } catch (thrown) {
      signal?.throwIfAborted();
      if (deadline.passed)
        return { error: new TimeoutError(`No whole answer came within ${timeoutMs} ms.`, partOf(response)) };
      // What a token source throws is its caller's own.
      if (!(thrown instanceof Unread)) throw thrown;
      if (thrown.cause instanceof SyntaxError && response) {
        return { response, error: new UnexpectedAnswerError("The answer is not JSON.", contextOf(response)) };
      }
      return {
        error: new ConnectionError("No whole answer came: the connection failed.", {
          ...partOf(response),
          cause: thrown.cause,
        }),
      };
    } finally {
      deadline.end();
    }
  }

  async #credentials(signal: AbortSignal): Promise<Record<string, string>> {
    if (this.#apiKey !== undefined) return { "X-Api-Key": this.#apiKey };
    const token = await this.#token?.(signal);
    return { Authorization: `Bearer ${credential(token, "token")}` };
  }
}

/** The table's types are its own, so openapi-fetch's, which go by the path's text, are set aside here. */
function send(http: Client<paths>, operation: Operation, init: object): Promise<{ data?: unknown; error?: unknown }> {
  const request = http.request as unknown as (method: string, path: string, init: object) => Promise<object>;
  return request(operation.method.toLowerCase(), operation.path, init);
}

/** Names this package, where that is possible: in a browser the header is the browser's own. */
function userAgent(): Record<string, string> {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  return process?.versions?.node === undefined ? {} : { "User-Agent": `hydrapin-typescript/${version}` };
}

interface Failure {
  readonly error: HydrapinError;
  readonly response?: Response;
}

/** Marks what sending and reading threw. */
class Unread extends Error {
  constructor(cause: unknown) {
    super("unread", { cause });
  }
}

function judge(
  operation: Operation,
  data: unknown,
  error: unknown,
  response: Response | undefined,
): Answer<unknown> | Failure {
  if (!response) return { error: new ConnectionError("No answer came.") };
  if (!response.ok) return { response, error: errorOf(response, error) };
  const read = operation.success.includes(response.status) ? operation.read(data) : undefined;
  if (read === undefined) {
    return {
      response,
      error: new UnexpectedAnswerError(
        `The answer is not one of the contract's (status ${response.status}).`,
        contextOf(response),
      ),
    };
  }
  return { data: read, response };
}

function partOf(response: Response | undefined) {
  return response ? contextOf(response) : { status: null, requestId: null };
}

/** A signal that fires after some time, or when another one does. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #onAbort = () => this.#controller.abort(this.#outer?.reason);
  passed = false;

  constructor(ms: number, outer: AbortSignal | undefined) {
    this.#outer = outer;
    this.#timer = setTimeout(
      () => {
        this.passed = true;
        this.#controller.abort();
      },
      Math.min(ms, longestTimeout),
    );
    outer?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Settles as the promise does, or rejects when the signal fires: not all code that gets a signal respects it. */
  race<T>(promise: Promise<T>): Promise<T> {
    return raceAbort(promise, this.signal);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#onAbort);
  }
}

/** Settles as the promise does, or rejects with the signal's reason as soon as it fires. */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      reject(signal.reason);
    };
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener("abort", onAbort);
    });
  });
}

/** Resolves after some milliseconds, or rejects with the signal's reason. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const slept = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(ms, longestTimeout));
  });
  try {
    await raceAbort(slept, signal);
  } finally {
    clearTimeout(timer);
  }
}

/** Returns a UUID in lower case, and refuses what would lead to another address. */
export function uuid(value: string, name: string): string {
  if (typeof value !== "string" || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)) {
    throw new TypeError(`${name} is not a UUID`);
  }
  return value.toLowerCase();
}

function constantly(token: string): TokenSource {
  return () => token;
}

// Checked here because the platform's own error would quote the value.
function credential(value: unknown, name: string): string {
  const text: unknown = value instanceof Secret ? value.reveal() : value;
  if (typeof text !== "string" || !/^[!-~]+$/.test(text))
    throw new TypeError(`${name} is not of visible ASCII characters`);
  return text;
}

function positive(value: number, name: string): number {
  if (!(value > 0)) throw new TypeError(`${name} is not a positive number`);
  return value;
}
