"""The model. It is a script that calls the tool once, so that the example runs anywhere.

For a real one, send the messages to your provider here and return its answer.
"""

import json
import uuid
from typing import Any

ARGUMENTS = {"amount": "250.00", "currency": "EUR", "iban": "DE89370400440532013000"}


def complete(messages: list[dict[str, Any]]) -> dict[str, Any]:
    last = messages[-1]
    if last["role"] == "tool":
        return {"role": "assistant", "content": f"The tool said: {last['content']}"}
    call = {"id": f"call_{uuid.uuid4()}", "name": "send_money", "arguments": json.dumps(ARGUMENTS)}
    return {"role": "assistant", "content": "", "tool_calls": [call]}
