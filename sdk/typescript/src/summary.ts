import { canonicalParams } from "./canonical.js";
import { isObject } from "./errors.js";
import type { ActionParams } from "./types.js";

/** The longest summary, in characters. */
export const MAX_SUMMARY_LENGTH = 500;

/** A summary that cannot be shown: a value is missing, or nothing or too much would be shown. */
export class SummaryError extends TypeError {
  override readonly name = "SummaryError";
}

const field = /\{\{|\}\}|\{([^{}]*)\}|[{}]/g;
// What number formatters and copied text put in, and nobody sees: LRM, RLM, ALM, ZWSP, soft hyphen, BOM.
const formatting = /[\u200e\u200f\u061c\u200b\u00ad\ufeff]/u;
// Part of an emoji or of a word: a variation selector right after something visible, and a joiner after either.
const selector = /[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/u;
const joiner = /[\u200c\u200d]/u;
// Control, surrogate, private use, unassigned, separators of lines, annotation marks, and all that has no glyph, bidi
// controls included.
const unsafe = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\ufff9-\ufffb\p{Default_Ignorable_Code_Point}]/u;
// White space, and two characters whose glyph is empty.
const empty = /[\s\u2800\u{1d159}]/u;

/**
 * Fills a template from params: `summary("Send {amount} {currency} to {recipient.iban}", params)`. What a person is
 * shown is built this way, never by the model. Dots go into nested objects; `{{` and `}}` stand for braces; lists and
 * objects are shown as their canonical JSON.
 *
 * Marks that formatters put into numbers are removed from values; any other invisible or direction-changing character
 * is shown as `[U+202E]`, so that a value cannot rewrite the question. Throws {@link SummaryError} for a missing or
 * null value, a template that cannot be read, and a summary that shows nothing or is longer than 500 characters, and
 * ParamsError for params that cannot be confirmed.
 */
export function summary(template: string, params: Readonly<ActionParams>): string {
  canonicalParams(params);
  const text = template.replace(field, (found, path: string | undefined) => {
    if (found === "{{" || found === "}}") return found.charAt(0);
    if (path === undefined) throw new SummaryError("the template has a brace without its other half");
    return shown(valueOf(path, params));
  });
  const characters = Array.from(text);
  if (characters.length > MAX_SUMMARY_LENGTH) throw new SummaryError("the summary is longer than 500 characters");
  if (!characters.some((c) => visible(c) && !/\p{M}/u.test(c))) throw new SummaryError("the summary shows nothing");
  return text;
}

function valueOf(path: string, params: Readonly<ActionParams>): unknown {
  let value: unknown = params;
  for (const name of path.split(".")) {
    if (!isObject(value) || !Object.hasOwn(value, name)) throw new SummaryError(`the params have no value for {${path}}`);
    value = value[name];
  }
  if (value === null) throw new SummaryError(`the params have no value for {${path}}`);
  return value;
}

function shown(value: unknown): string {
  // A wrapper's text less the wrapper is the canonical form of any value.
  const text = typeof value === "string" ? value : canonicalParams({ v: value }).slice(5, -1);
  let out = "";
  let before: "visible" | "selector" | "other" = "other";
  for (const c of text) {
    if (formatting.test(c)) continue;
    const fits: boolean = selector.test(c) ? before === "visible" : joiner.test(c) ? before !== "other" : !unsafe.test(c);
    out += fits ? c : codePoint(c);
    before = fits && selector.test(c) ? "selector" : visible(c) ? "visible" : "other";
  }
  return out;
}

function codePoint(c: string): string {
  return `[U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`;
}

function visible(c: string): boolean {
  return !empty.test(c) && !unsafe.test(c);
}
