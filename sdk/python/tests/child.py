"""A runtime that stops before and after each call and around its skill, to be killed there.

It prints a line at each such place and goes on when it reads one.
"""

from __future__ import annotations

import os
import sys

import httpx

if not os.environ.get("HYDRAPIN_TEST_INSTALLED"):
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "src"))

from hydrapin import Confirmation, Grant, NotConfirmedError, Runtime


def at(place: str) -> None:
    print(place, flush=True)
    sys.stdin.readline()


def skill(grant: Grant) -> None:
    at("the skill begins")
    with open(os.environ["EFFECTS"], "a", encoding="utf-8") as effects:
        effects.write(f"{grant.confirmation.id} {grant.confirmation.status}\n")
    at("the skill has run")


def main() -> None:
    hooks = {
        "request": [lambda request: at(f"before {request.method} {request.url.path}")],
        "response": [lambda response: at(f"answered {response.status_code}")],
    }
    with httpx.Client(event_hooks=hooks) as client, Runtime.from_env(client=client) as runtime:

        def confirm(c: Confirmation) -> None:
            assert c.id is not None
            runtime.verify_confirmation(c.id, {"pin": os.environ["PIN"]})

        try:
            runtime.guard(
                {
                    "skill": "payments.transfer",
                    "role": "owner",
                    "customer_id": os.environ["CUSTOMER"],
                    "idempotency_key": "the-tool-call",
                    "action": {"summary": "Send 1", "params": {"amount": "1"}},
                },
                skill,
                on_pending=confirm,
            )
        except NotConfirmedError as error:
            at(f"not confirmed: {error.reason}")


main()
