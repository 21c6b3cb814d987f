import { isObject } from "./errors.js";
import type { ActionParams } from "./types.js";

/** The longest canonical text of params, in bytes. */
export const MAX_PARAMS_BYTES = 16 * 1024;
/** How deep objects and arrays of params may nest; the params themselves are the first level. */
export const MAX_PARAMS_DEPTH = 32;

/** Params that no confirmation can have. It says what is wrong, never a part of them. */
export class ParamsError extends TypeError {
  override readonly name = "ParamsError";
}

/**
 * The canonical form of params (RFC 8785): names sorted by UTF-16 code units, strings and numbers as ECMAScript's own
 * JSON.stringify writes them, which is how the RFC defines them.
 *
 * What JSON cannot say without changing it is refused with {@link ParamsError}: undefined, NaN, bigints, functions,
 * dates and other class instances, holes of an array, lone surrogates; so are more than 32 levels and more than 16 KiB.
 */
export function canonicalParams(params: Readonly<ActionParams>): string {
  if (!isObject(params)) throw new ParamsError("params are not an object");
  const text = write(params, 1);
  if (new TextEncoder().encode(text).length > MAX_PARAMS_BYTES) throw new ParamsError("params are longer than 16 KiB");
  return text;
}

/** The digest of params as a confirmation and a receipt have it: `sha-256:` and 64 lower-case hex digits. */
export async function paramsDigest(params: Readonly<ActionParams>): Promise<string> {
  return digestOf(canonicalParams(params));
}

/** The digest of a text that {@link canonicalParams} returned. */
export async function digestOf(canonical: string): Promise<string> {
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(canonical)));
  return "sha-256:" + Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case "boolean":
      return String(value);
    case "string":
      return writeString(value);
    case "number":
      if (!Number.isFinite(value)) throw new ParamsError("a number of params is not finite");
      return JSON.stringify(value);
    case "object":
      if (value === null) return "null";
      // Also what ends a structure that holds itself.
      if (depth > MAX_PARAMS_DEPTH) throw new ParamsError("params nest deeper than 32 levels");
      return Array.isArray(value) ? writeArray(value, depth) : writeObject(value, depth);
    default:
      throw new ParamsError(`params hold a value that JSON has not (${typeof value})`);
  }
}

function writeString(text: string): string {
  // With the u flag a pair is one character, so what is left are halves.
  if (/\p{Surrogate}/u.test(text)) throw new ParamsError("a string of params has a lone surrogate");
  return JSON.stringify(text);
}

function writeArray(list: readonly unknown[], depth: number): string {
  // Array.from shows a hole as undefined, which is refused.
  return "[" + Array.from(list, (value) => write(value, depth + 1)).join(",") + "]";
}

function writeObject(value: object, depth: number): string {
  if (!isPlain(value)) throw new ParamsError("params hold an object that is not a plain one");
  // The default order of sort is that of UTF-16 code units.
  const members = Object.keys(value)
    .sort()
    .map((name) => writeString(name) + ":" + write((value as Record<string, unknown>)[name], depth + 1));
  return "{" + members.join(",") + "}";
}

// An object of another realm (a frame, node:vm) has another Object.prototype, and is as plain.
function isPlain(value: object): boolean {
  if (Object.getOwnPropertySymbols(value).length > 0) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    prototype === null ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "hasOwnProperty"))
  );
}

/** The params that a canonical text says, frozen through and through. */
export function frozenParams(canonical: string): Readonly<ActionParams> {
  return JSON.parse(canonical, (_name, value: unknown) => Object.freeze(value)) as Readonly<ActionParams>;
}
