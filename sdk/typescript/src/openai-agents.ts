// For the OpenAI Agents SDK (`@openai/agents`): `import { guardTool } from "@hydracore/hydrapin/openai-agents"`.
import type { FunctionTool } from "@openai/agents";

import { isObject } from "./errors.js";
import type { Runtime } from "./runtime.js";
import { guardCall, sentenceFor, type ToolRule } from "./tool.js";

export { sentenceFor, type ToolRule } from "./tool.js";

/**
 * Returns the same tool, which runs only after the person confirmed exactly its arguments. Otherwise the model is given
 * one fixed sentence that says why it did not run. The tool's own `needsApproval` does not replace it.
 */
export function guardTool<Context>(
  runtime: Runtime,
  rule: ToolRule,
  tool: FunctionTool<Context, any, any>,
): FunctionTool<Context, any, any> {
  return {
    ...tool,
    invoke: async (context, input, details) => {
      const args = read(input);
      if (!args) return sentenceFor("invalid");
      return guardCall(
        runtime,
        rule,
        { id: details?.toolCall?.callId, args, signal: details?.signal },
        (params) => tool.invoke(context, JSON.stringify(params), details) as Promise<unknown>,
      );
    },
  };
}

function read(input: string): Record<string, unknown> | null {
  try {
    const args: unknown = JSON.parse(input);
    return isObject(args) ? args : null;
  } catch {
    return null;
  }
}
