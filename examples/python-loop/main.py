"""An agent loop that can send money, and does so only after a person confirmed with a PIN."""

import os

from hydrapin import Confirmation, Grant, NotConfirmedError, Runtime, parse_params, summary

from model import complete

runtime = Runtime.from_env()


def show_link(confirmation: Confirmation) -> None:
    # Send the link by a channel of your own: it is for the person, not for the model.
    print(f"Confirm here: {confirmation.confirm_url}", flush=True)


def send_money(grant: Grant) -> str:
    # Replace this line by your bank's call. It gets exactly what the person confirmed.
    return "Sent {amount} {currency} to {iban}.".format(**grant.params)


def run_tool(call: dict[str, str]) -> str:
    """Returns what the model is told. It never gets the link, and never the server's words."""
    try:
        params = parse_params(call["arguments"])
        question = {
            "skill": "payments.transfer",
            "role": "owner",
            "customer_id": os.environ["CUSTOMER"],
            # The id of the tool's call: a loop that is started again finds the same question.
            "idempotency_key": call["id"],
            "action": {"summary": summary("Send {amount} {currency} to {iban}", params), "params": params},
        }
        return runtime.guard(question, send_money, on_pending=show_link)
    except NotConfirmedError as error:
        return f"Not run: {error.reason}. Do not call it again; tell the user."


messages = [{"role": "user", "content": "Send 250.00 EUR to DE89370400440532013000."}]
while True:
    answer = complete(messages)
    messages.append(answer)
    if not answer.get("tool_calls"):
        break
    for call in answer["tool_calls"]:
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": run_tool(call)})
print(answer["content"])
