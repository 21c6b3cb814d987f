// For the Vercel AI SDK (`ai`, version 6): `import { guardTool } from "@hydracore/hydrapin/ai"`.
import type { Tool, ToolExecutionOptions } from "ai";

import type { Runtime } from "./runtime.js";
import { guardCall, type ToolRule } from "./tool.js";
import type { ActionParams } from "./types.js";

export { sentenceFor, type ToolRule } from "./tool.js";

/**
 * Returns the same tool, whose `execute` runs only after the person confirmed exactly its arguments. Otherwise the
 * model is given one fixed sentence that says why it did not run.
 */
export function guardTool<INPUT, OUTPUT>(
  runtime: Runtime,
  rule: ToolRule,
  tool: Tool<INPUT, OUTPUT>,
): Tool<INPUT, OUTPUT | string> {
  const { execute } = tool;
  if (!execute) throw new TypeError("a tool without execute cannot be guarded: it runs elsewhere");
  const guarded = (input: INPUT, options: ToolExecutionOptions) =>
    guardCall(
      runtime,
      rule,
      { id: options.toolCallId, args: input as ActionParams, signal: options.abortSignal },
      async (params): Promise<OUTPUT> => last(execute.call(tool, params as INPUT, options)),
    );
  return { ...tool, execute: guarded } as unknown as Tool<INPUT, OUTPUT | string>;
}

/** A tool may stream what it has so far; the last of it is its result. */
async function last<T>(result: AsyncIterable<T> | PromiseLike<T> | T): Promise<T> {
  if (typeof result !== "object" || result === null || !(Symbol.asyncIterator in result)) return result as Promise<T>;
  let value: T | undefined;
  for await (const part of result) value = part;
  return value as T;
}
