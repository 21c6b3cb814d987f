const shown = "[redacted]";

/**
 * A value that prints as `[redacted]` in every form: String(), JSON, template literals, console.log and util.inspect.
 * Only {@link Secret.reveal} gives it.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    if (typeof value !== "string") throw new TypeError("a secret is a string");
    this.#value = value;
  }

  /** The value itself. Never log it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  // What Node's util.inspect, and so console.log, calls.
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return shown;
  }
}

/** The text of a secret that may be given as plain text. */
export function reveal(value: string | Secret): string {
  return value instanceof Secret ? value.reveal() : value;
}
