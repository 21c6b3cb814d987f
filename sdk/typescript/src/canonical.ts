import { isObject } from "./errors.js";
import type { ActionParams } from "./types.js";

/** The longest canonical text of params, in bytes. */
export const MAX_PARAMS_BYTES = 16 * 1024;
/** How deep objects and arrays of params may nest; the params themselves are the first level. */
export const MAX_PARAMS_DEPTH = 32;

/** Params that cannot be confirmed. The message names the member and what is wrong with it, never its value. */
export class ParamsError extends TypeError {
  override readonly name = "ParamsError";
}

/**
 * The canonical form of params (RFC 8785): names sorted by UTF-16 code units, strings and numbers as ECMAScript's own
 * JSON.stringify writes them, which is how the RFC defines them.
 *
 * What JSON cannot carry unchanged is refused with {@link ParamsError}, which names the member: integers outside
 * ±(2^53−1), NaN, infinities and bigints (pass a string), undefined, functions, dates and other class instances, holes
 * of an array, lone surrogates; so are more than 32 levels and more than 16 KiB.
 */
export function canonicalParams(params: Readonly<ActionParams>): string {
  if (!isObject(params)) throw new ParamsError("params are not an object");
  const text = write(params, 1, []);
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

function write(value: unknown, depth: number, path: Path): string {
  switch (typeof value) {
    case "boolean":
      return String(value);
    case "string":
      return writeString(value, path);
    case "number":
      return writeNumber(value, path);
    case "bigint":
      throw new ParamsError(`${at(path)} is a bigint: pass a string`);
    case "object":
      if (value === null) return "null";
      // Also what ends a structure that holds itself.
      if (depth > MAX_PARAMS_DEPTH) throw new ParamsError("params nest deeper than 32 levels");
      return Array.isArray(value) ? writeArray(value, depth, path) : writeObject(value, depth, path);
    default:
      throw new ParamsError(`${at(path)} is a value that JSON does not have (${typeof value})`);
  }
}

/** The names and indexes that lead to a value. */
type Path = readonly (string | number)[];

/** Names a value for an error: `params.lines[0].amount`. Names of members are the caller's own; values are never named. */
function at(path: Path): string {
  const steps = path.map((step) => {
    if (typeof step === "number") return `[${step}]`;
    return /^[A-Za-z_]\w*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  });
  return ["params", ...steps].join("");
}

function writeNumber(value: number, path: Path): string {
  if (!Number.isFinite(value)) throw new ParamsError(`${at(path)} is not a finite number: pass a string`);
  // Beyond it two integers that differ are one number, so what is confirmed could be another amount.
  if (Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new ParamsError(`${at(path)} is an integer outside ±(2^53−1): pass a string`);
  return JSON.stringify(value);
}

function writeString(text: string, path: Path): string {
  // With the u flag a pair is one character, so what is left are halves.
  if (/\p{Surrogate}/u.test(text)) throw new ParamsError(`${at(path)} has a lone surrogate`);
  return JSON.stringify(text);
}

function writeArray(list: readonly unknown[], depth: number, path: Path): string {
  // Array.from shows a hole as undefined, which is refused.
  return "[" + Array.from(list, (value, index) => write(value, depth + 1, [...path, index])).join(",") + "]";
}

function writeObject(value: object, depth: number, path: Path): string {
  if (!isPlain(value)) throw new ParamsError(`${at(path)} is an object that is not a plain one`);
  // The default order of sort is that of UTF-16 code units.
  const members = Object.keys(value)
    .sort()
    .map(
      (name) =>
        writeString(name, path) + ":" + write((value as Record<string, unknown>)[name], depth + 1, [...path, name]),
    );
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

/** The params that a canonical text stands for, deeply frozen. */
export function frozenParams(canonical: string): Readonly<ActionParams> {
  return JSON.parse(canonical, (_name, value: unknown) => Object.freeze(value)) as Readonly<ActionParams>;
}
