import createClient, { type Client } from "openapi-fetch";

import {
  ConnectionError,
  HydrapinError,
  TimeoutError,
  UnexpectedAnswerError,
  contextOf,
  errorOf,
  retryAfterOf,
} from "./errors.js";
import type { paths } from "./schema.js";

/** Gets a bearer token for one request. It is called before every attempt and may keep a token that is still good. */
export type TokenSource = (signal: AbortSignal) => string | Promise<string>;

/** With what the server is called: an API key or runtime key, or a bearer token or a source of them. */
export type Credentials =
  | { readonly apiKey: string; readonly token?: never }
  | { readonly token: string | TokenSource; readonly apiKey?: never };

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
export type ClientOptions = Credentials & {
  /** Where the server is, a path prefix included: `https://pin.example.com`. */
  readonly baseUrl: string;
  /** How long one attempt may take, its answer included; the seconds of a long poll come on top. 15,000 when absent. */
  readonly timeoutMs?: number;
  readonly retry?: RetryOptions;
  /** Called in place of the global fetch. */
  readonly fetch?: (request: Request) => Promise<Response>;
};

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

/** What every request is made with. */
type Init = {
  readonly signal: AbortSignal;
  readonly headers: Record<string, string>;
  readonly fetch: (request: Request) => Promise<Response>;
};

interface Fetched {
  readonly data?: unknown;
  readonly error?: unknown;
  readonly response: Response;
}

/** One operation of the contract with its parameters. */
export interface Operation<F extends Fetched> {
  /** The success statuses that the contract names; all others are errors. */
  readonly expect: readonly number[];
  /** Whether the answer's body is whole. */
  readonly whole: (data: unknown) => boolean;
  /** Whether repeating it can do no harm. Nothing that spends an attempt, uses up an approval or writes a PIN may. */
  readonly repeatable: boolean;
  readonly waitSeconds?: number;
  readonly send: (http: Client<paths>, init: Init) => Promise<F>;
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

  constructor(options: ClientOptions) {
    const { apiKey, token } = options;
    if ((apiKey === undefined) === (token === undefined)) throw new TypeError("give exactly one of apiKey and token");
    this.#apiKey = apiKey === undefined ? undefined : credential(apiKey, "apiKey");
    this.#token = typeof token === "string" ? constantly(credential(token, "token")) : token;
    this.#timeoutMs = positive(options.timeoutMs ?? 15_000, "timeoutMs");
    this.#retry = {
      attempts: positive(options.retry?.attempts ?? 5, "retry.attempts"),
      baseDelayMs: positive(options.retry?.baseDelayMs ?? 200, "retry.baseDelayMs"),
      maxDelayMs: positive(options.retry?.maxDelayMs ?? 30_000, "retry.maxDelayMs"),
    };
    this.#fetch = options.fetch ?? ((request) => fetch(request));
    this.#http = createClient<paths>({
      baseUrl: baseUrl(options.baseUrl),
      // A redirect would carry the key or the PIN to an address that nobody named.
      redirect: "error",
      credentials: "omit",
      cache: "no-store",
      referrerPolicy: "no-referrer",
    });
  }

  async call<F extends Fetched>(
    operation: Operation<F>,
    options: CallOptions = {},
  ): Promise<Answer<NonNullable<F["data"]>>> {
    const timeoutMs = positive(options.timeoutMs ?? this.#timeoutMs, "timeoutMs") + (operation.waitSeconds ?? 0) * 1000;
    const attempts = operation.repeatable ? this.#retry.attempts : 1;
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#attempt(operation, timeoutMs, options.signal);
      if ("data" in outcome) return outcome as Answer<NonNullable<F["data"]>>;
      const pause = attempt < attempts ? this.#pause(attempt, outcome) : null;
      if (pause === null) throw outcome.error;
      await sleep(pause, options.signal);
    }
  }

  /** How many milliseconds to wait before the next attempt, or null when there is to be none. */
  #pause(attempt: number, failure: Failure): number | null {
    if (failure.response && !passing.has(failure.response.status)) return null;
    const { baseDelayMs, maxDelayMs } = this.#retry;
    const asked = ((failure.response && retryAfterOf(failure.response)) ?? 0) * 1000;
    if (asked > maxDelayMs) return null;
    // Partly by chance, so that those who failed together do not come back together.
    if (asked > 0) return asked + Math.random() * baseDelayMs;
    const half = Math.min(maxDelayMs, baseDelayMs * 2 ** (attempt - 1)) / 2;
    return half + Math.random() * half;
  }

  async #attempt<F extends Fetched>(
    operation: Operation<F>,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<Answer<unknown> | Failure> {
    signal?.throwIfAborted();
    const deadline = new Deadline(timeoutMs, signal);
    let response: Response | undefined;
    try {
      const headers = await deadline.race(this.#credentials(deadline.signal));
      const sent = operation.send(this.#http, {
        signal: deadline.signal,
        headers,
        fetch: async (request) => (response = await this.#fetch(request)),
      });
      const { data, error } = await deadline.race(sent.catch((cause: unknown) => Promise.reject(new Unread(cause))));
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
  operation: Operation<Fetched>,
  data: unknown,
  error: unknown,
  response: Response | undefined,
): Answer<unknown> | Failure {
  if (!response) return { error: new ConnectionError("No answer came.") };
  if (!response.ok) return { response, error: errorOf(response, error) };
  if (!operation.expect.includes(response.status) || !operation.whole(data)) {
    return {
      response,
      error: new UnexpectedAnswerError(
        `The answer is not one of the contract's (status ${response.status}).`,
        contextOf(response),
      ),
    };
  }
  return { data, response };
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

  /** Settles as the promise does, or rejects when the signal fires: not all code that is given a signal heeds it. */
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
  if (typeof value !== "string" || !/^[!-~]+$/.test(value))
    throw new TypeError(`${name} is not of visible ASCII characters`);
  return value;
}

function positive(value: number, name: string): number {
  if (!(value > 0)) throw new TypeError(`${name} is not a positive number`);
  return value;
}

function baseUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TypeError("baseUrl is not an absolute URL");
  }
  if (!/^https?:$/.test(url.protocol) || url.search || url.hash || url.username || url.password) {
    throw new TypeError("baseUrl is not an http or https URL without query, fragment and user");
  }
  return url.href.replace(/\/+$/, "");
}
