// For LangChain and LangGraph (`@langchain/core`): `import { guardTool } from "@hydracore/hydrapin/langchain"`.
import { DynamicStructuredTool, type ToolRunnableConfig } from "@langchain/core/tools";

import type { Runtime } from "./runtime.js";
import { guardCall, type ToolRule } from "./tool.js";
import type { ActionParams } from "./types.js";

export { sentenceFor, type ToolRule } from "./tool.js";

/**
 * Returns a tool of the same name, description and schema, which runs only after the person confirmed exactly its
 * arguments. Otherwise the model is given one fixed sentence that says why it did not run.
 */
export function guardTool(runtime: Runtime, rule: ToolRule, tool: DynamicStructuredTool): DynamicStructuredTool {
  return new DynamicStructuredTool({
    name: tool.name,
    description: tool.description,
    schema: tool.schema,
    returnDirect: tool.returnDirect,
    ...(tool.responseFormat && { responseFormat: tool.responseFormat }),
    func: async (args, manager, config: ToolRunnableConfig | undefined) => {
      const call = { id: config?.toolCall?.id, args: args as ActionParams, signal: config?.signal };
      const result = await guardCall(runtime, rule, call, (params) => tool.func(params, manager, config) as Promise<unknown>);
      // A tool of that format returns a pair, so a string is the sentence.
      return tool.responseFormat === "content_and_artifact" && typeof result === "string" ? [result, null] : result;
    },
  });
}
