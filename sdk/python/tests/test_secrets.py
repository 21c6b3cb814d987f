"""A secret prints in no form."""

from __future__ import annotations

import copy
import dataclasses
import gc
import json
import logging
import pickle
import pprint
import traceback
from typing import Any

import pytest
from hydrapin import Admin, AsyncRuntime, Confirmation, Grant, NoAnswerError, Runtime, Secret

from table import BASE, PIN, confirmation

VALUE = "hc_live_very_secret"


def forms(value: object) -> list[str]:
    return [
        repr(value), str(value), f"{value}", f"{value!r:>3}", "%s" % (value,), pprint.pformat(value),
        pprint.pformat(getattr(value, "__dict__", {})), json.dumps({"x": value}, default=str),
    ]  # fmt: skip


def test_a_secret_prints_as_redacted(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(VALUE)
    for form in forms(secret):
        assert "[redacted]" in form or form == "{}"
        assert VALUE not in form
    logging.getLogger("test").warning("key %s %r", secret, {"key": secret})
    assert VALUE not in caplog.text and "[redacted]" in caplog.text
    assert f"{secret:>12}" == "  [redacted]"
    assert secret.reveal() == VALUE


def test_a_secret_is_not_stored_by_accident() -> None:
    secret = Secret(VALUE)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(secret, protocol)
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(AttributeError):
        secret.value = "x"
    assert copy.copy(secret) is secret and copy.deepcopy([secret])[0] is secret
    assert secret == Secret(VALUE) and secret != Secret("x") and secret != VALUE
    assert len({secret, Secret(VALUE)}) == 1
    with pytest.raises(TypeError):
        Secret(5)  # type: ignore[arg-type]
    assert not hasattr(secret, "__dict__")


def test_answers_keep_their_receipt_redacted() -> None:
    members = json.loads(confirmation({"status": "approved", "reason": "pin", "receipt": VALUE}))
    c = Confirmation.from_wire(members)
    assert c.receipt is not None and c.receipt.reveal() == VALUE
    for form in [*forms(c), *forms(Grant(c, {}, c.receipt)), *forms(dataclasses.asdict(c))]:
        assert VALUE not in form


def test_clients_and_errors_show_no_credential() -> None:
    clients: list[Any] = [
        Admin("http://127.0.0.1:1", api_key=VALUE, retries=0),
        Admin("http://127.0.0.1:1", token=VALUE, retries=0),
        Runtime("http://127.0.0.1:1", BASE["instance_id"], api_key=VALUE, retries=0),
        AsyncRuntime("http://127.0.0.1:1", BASE["instance_id"], api_key=VALUE),
    ]
    for client in clients:
        for form in forms(client):
            assert VALUE not in form
        for form in forms(client._connection) + forms(client._connection.credential):
            assert VALUE not in form
        with pytest.raises((TypeError, AttributeError)):
            pickle.dumps(client._connection)
    with pytest.raises(NoAnswerError) as refused:
        clients[0].set_customer_pin(BASE["customer_id"], {"pin": PIN})
    error = refused.value
    text = "".join(traceback.format_exception(error)) + repr(vars(error))
    # What error reporters add: the variables of each frame of this package.
    for frame, _ in list(traceback.walk_tb(error.__traceback__))[2:]:
        text += repr({n: v for n, v in frame.f_locals.items() if n != "body"})
    assert VALUE not in text and PIN not in text
    # Nothing that an error reporter follows leads to the request with its key.
    assert error.__cause__ is None and error.__context__ is None
    for referent in gc.get_referents(error.__dict__):
        assert VALUE not in repr(referent)
    for client in clients[:3]:
        client.close()
