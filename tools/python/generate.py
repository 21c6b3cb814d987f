#!/usr/bin/env python3
"""Makes the generated part of the Python SDK from openapi.yaml.

    generate.py openapi.yaml sdk/python/src/hydrapin/_generated           # writes
    generate.py --check openapi.yaml sdk/python/src/hydrapin/_generated   # fails when stale

Requests become TypedDicts; answers become frozen dataclasses that decode themselves strictly;
problem codes become error classes; each operation becomes a method of a synchronous and of an
asynchronous class. The output depends on the contract alone, so that `--check` can compare it.
It needs PyYAML (Debian: python3-yaml).
"""

from __future__ import annotations

import pathlib
import re
import sys
import textwrap
from collections.abc import Iterable

from contract import (
    REPEAT_KEYS, Contract, Operation, Schema, Unsupported, answer_type, literal, pascal,
    read_contract, request_type, snake,
)  # fmt: skip

HEADER = '"""{about}\n\nGenerated from openapi.yaml by tools/python/generate.py. Do not edit.\n"""\n\n'
WIDTH = 99


def docstring(text: str, indent: int) -> list[str]:
    pad = " " * indent
    text = text.replace("\\", "\\\\").replace('"""', "'''").strip() or "Not described."
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        # Lists keep their lines; what is wrapped in the contract is wrapped anew.
        items = re.split(r"\n(?=\s*(?:[-*]|\d+\.)\s)", paragraph)
        for item in items:
            item = " ".join(item.split())
            hang = "  " if re.match(r"[-*]|\d+\.", item) else ""
            lines += textwrap.wrap(
                item, WIDTH - indent, subsequent_indent=hang, break_long_words=False,
                break_on_hyphens=False,
            )
        lines.append("")
    lines.pop()
    if len(lines) == 1 and indent + len(lines[0]) + 6 <= WIDTH and not lines[0].endswith('"'):
        return [f'{pad}"""{lines[0]}"""']
    lines[0] = '"""' + lines[0]
    return [(pad + line).rstrip() for line in lines] + [pad + '"""']


def wrapped(head: str, items: list[str], tail: str, indent: int) -> list[str]:
    """`head item, item tail` on one line where it fits, else an item a line."""
    pad = " " * indent
    one = pad + head + ", ".join(items) + tail
    if len(one) <= WIDTH:
        return [one]
    return [pad + head] + [f"{pad}    {item}," for item in items] + [pad + tail]


def models(c: Contract) -> str:
    both = set(c.requests) & set(c.answers)
    if both:
        raise Unsupported(f"in requests and in answers: {', '.join(sorted(both))}")
    lines = [
        "from __future__ import annotations", "",
        "from collections.abc import Mapping, Sequence",
        "from dataclasses import dataclass",
        "from datetime import datetime",
        "from typing import Any, Literal, NotRequired, TypedDict",
        "from uuid import UUID", "",
        "from .. import _wire as wire",
        "from .._secret import Secret", "",
    ]
    lines += wrapped("__all__ = [", [literal(n) for n in sorted([*c.requests, *c.answers])], "]", 0)
    for name, schema in c.requests.items():
        lines += ["", "", f"class {name}(TypedDict):"]
        lines += docstring(schema.get("description", ""), 4)
        for member, node in schema["properties"].items():
            annotation = request_type(c, node, name + pascal(member))
            if member not in schema.get("required", []):
                annotation = f"NotRequired[{annotation.removesuffix(' | None')} | None]"
            lines += ["", f"    {member}: {annotation}"]
            lines += docstring(described(c, node), 4)
    for name, schema in c.answers.items():
        lines += ["", "", "@dataclass(frozen=True, slots=True, kw_only=True)", f"class {name}:"]
        lines += docstring(schema.get("description", ""), 4)
        required = schema.get("required", [])
        decodes = []
        for member, node in schema["properties"].items():
            typed = answer_type(c, node, name + pascal(member))
            python = snake(member)
            if member in required:
                annotation, get = typed.annotation, "get"
            else:
                annotation, get = typed.annotation.removesuffix(" | None") + " | None", "optional"
            lines += ["", f"    {python}: {annotation}"]
            lines += docstring(described(c, node), 4)
            decodes.append(f"{python}=w.{get}({literal(member)}, {typed.decoder})")
        if name in c.with_etag:
            lines += ["", "    etag: str | None = None"]
            lines += docstring("The version, from the header; None where a proxy removed it.", 4)
        lines += [
            "", "    @classmethod", f"    def from_wire(cls, value: object) -> {name}:",
            '        """Reads an answer. What is missing or of another type is a ValueError."""',
            f"        w = wire.Members(value, {literal(name)})",
        ]
        lines += wrapped("return cls(", decodes, ")", 8)
    return HEADER.format(about="What is sent to the server and what it answers.") + "\n".join(lines) + "\n"


def described(c: Contract, node: Schema) -> str:
    schema = c.resolve(node)
    text = str(schema.get("description") or c.flat(node)[0].get("description") or "")
    values = [v for v in c.flat(node)[0].get("enum", []) if v is not None]
    if values:
        text = text.rstrip() + f" One of {', '.join(f'`{v}`' for v in values)}."
    return text


def problems(c: Contract) -> str:
    prefix = "urn:hydrapin:problem:"
    codes = [v.removeprefix(prefix) for v in c.doc["components"]["schemas"]["ProblemType"]["enum"]]
    classes = {code: pascal(code) + "Error" for code in codes}
    lines = [
        "from __future__ import annotations", "",
        "from collections.abc import Mapping",
        "from typing import Final", "",
        "from .._errors import APIError", "",
    ]
    lines += wrapped("__all__ = [", [literal(n) for n in sorted([*classes.values(), "BY_CODE"])], "]", 0)
    for code, name in classes.items():
        lines += ["", "", f"class {name}(APIError):", f'    """The server answered with the problem code `{code}`."""']
    lines += ["", "", "BY_CODE: Final[Mapping[str, type[APIError]]] = {"]
    lines += [f"    {literal(code)}: {name}," for code, name in classes.items()]
    lines += ["}"]
    return HEADER.format(about="An error class for each problem code.") + "\n".join(lines) + "\n"


def operations_module(operations: list[Operation]) -> str:
    lines = [
        "from __future__ import annotations", "",
        "from collections.abc import Mapping",
        "from typing import Any, Final", "",
        "from .. import _wire as wire",
        "from .._operation import Operation",
        "from . import models",
    ]
    for o in operations:
        decoder = qualify(o.answer.decoder)
        keys = REPEAT_KEYS if o.method == "POST" and o.path.endswith("/confirmations") else ()
        lines += ["", f"{o.constant}: Final[Operation[{qualify(o.answer.annotation)}]] = Operation("]
        lines += [
            f"    id={literal(o.id)},",
            f"    method={literal(o.method)},",
            f"    path={literal(o.path)},",
            f"    statuses=({', '.join(map(str, o.statuses))},),",
            f"    decode={decoder},",
            f"    etag={o.etag},",
            f"    repeatable={o.repeatable},",
            f"    repeat_keys={tuple_of(keys)},",
            f"    segments={tuple_of([p.wire for p in o.parameters if p.place == 'path' and not p.uuid])},",
            ")",
        ]
    lines += ["", "ALL: Final[tuple[Operation[Any], ...]] = ("]
    lines += [f"    {o.constant}," for o in operations]
    lines += [")", "", "BY_ROUTE: Final[Mapping[tuple[str, str], Operation[Any]]] = {",
              "    (o.method, o.path): o for o in ALL", "}"]
    return HEADER.format(about="The operations of the contract.") + "\n".join(lines) + "\n"


def tuple_of(texts: Iterable[str]) -> str:
    return f"({''.join(literal(t) + ', ' for t in texts).rstrip()})"


def qualify(text: str) -> str:
    """Names of the models module, as another module writes them."""
    builtin = {"None", "UUID", "Any", "Literal", "Mapping", "Sequence", "Secret"}

    def name(match: re.Match[str]) -> str:
        return match.group() if match.group() in builtin else f"models.{match.group()}"

    quoted: list[str] = re.split(r'("[^"]*")', text)
    for i in range(0, len(quoted), 2):
        quoted[i] = re.sub(r"(?<![\w.])[A-Z]\w*", name, quoted[i])
    return "".join(quoted)


def clients(c: Contract, operations: list[Operation], asynchronous: bool) -> str:
    prefix = "Async" if asynchronous else ""
    kind = "asynchronous" if asynchronous else "synchronous"
    iterator = "AsyncIterator" if asynchronous else "Iterator"
    body: list[str] = []
    for internal in (False, True):
        name = f"{prefix}{'Runtime' if internal else 'Admin'}Operations"
        about = "the runtime key of one instance opens" if internal else "an admin's dashboard calls"
        body += ["", "", f"class {name}:", f'    """What {about}: a method for each operation."""', ""]
        call = "async def" if asynchronous else "def"
        body += [
            f"    {call} _call(self, operation: Operation[T], request: Request) -> T:",
            "        raise NotImplementedError",
        ]
        for o in operations:
            if o.internal == internal:
                body += method(o, asynchronous)
                if o.paging:
                    body += iteration(o, asynchronous, iterator)
    text = "\n".join(body)
    typing = [n for n in ("Any", "Literal") if re.search(rf"\b{n}\b", text)]
    abc = [n for n in (iterator, "Mapping", "Sequence") if re.search(rf"(?<!\w){n}\b", text)]
    head = ["from __future__ import annotations", ""]
    if abc:
        head += [f"from collections.abc import {', '.join(sorted(abc))}"]
    if "datetime" in text:
        head += ["from datetime import datetime"]
    head += [f"from typing import {', '.join([*typing, 'TypeVar'])}", "from uuid import UUID", ""]
    head += ["from .._operation import Operation, Request"]
    if "Secret" in text:
        head += ["from .._secret import Secret"]
    head += ["from . import models", "from . import operations as ops", "", 'T = TypeVar("T")']
    about = f"The {kind} clients' methods."
    return HEADER.format(about=about) + "\n".join(head) + "\n" + text.removeprefix("\n") + "\n"


def signature(o: Operation, skip: tuple[str, ...] = ()) -> tuple[list[str], list[str]]:
    """Parameters as they are declared, and as they are passed on to Request."""
    declared, options = ["self"], []
    passed: dict[str, list[str]] = {"path": [], "query": [], "header": []}
    for p in o.parameters:
        if p.place == "path" and o.internal and p.wire == "instance_id":
            continue  # the runtime's own
        if p.place == "path":
            declared.append(f"{p.python}: {qualify(p.annotation)}")
        elif p.wire not in skip:
            options.append(
                f"{p.python}: {qualify(p.annotation)}" if p.required
                else f"{p.python}: {qualify(p.annotation)} | None = None"
            )
        if p.wire not in skip:
            passed[p.place].append(f"{literal(p.wire)}: {p.python}")
    if o.body:
        declared.append(
            f"body: {qualify(o.body)}" if o.body_required else f"body: {qualify(o.body)} | None = None"
        )
    declared += ["*", *options, "timeout: float | None = None"]
    arguments = [f"{place}={{{', '.join(items)}}}" for place, items in passed.items() if items]
    if o.body:
        arguments.append("body=body")
    arguments.append("timeout=timeout")
    return declared, arguments


def method(o: Operation, asynchronous: bool) -> list[str]:
    declared, arguments = signature(o)
    lines = [""]
    lines += wrapped(
        f"{'async def' if asynchronous else 'def'} {o.python}(", declared,
        f") -> {qualify(o.answer.annotation)}:", 4,
    )
    text = o.summary.rstrip(".") + ".\n\n" + o.description
    notes = [f"- `{p.python}`: {' '.join(p.description.split())}" for p in o.parameters
             if p.place != "path" and p.description]
    if notes:
        text = text.rstrip() + "\n\n" + "\n".join(notes)
    lines += docstring(text, 8)
    request = wrapped("request = Request(", arguments, ")", 8)
    lines += request
    lines.append(f"        return {'await ' if asynchronous else ''}self._call(ops.{o.constant}, request)")
    return lines


def iteration(o: Operation, asynchronous: bool, iterator: str) -> list[str]:
    assert o.paging is not None
    how, member, item = o.paging
    name = "iter_" + re.sub(r"^(list|get)_", "", o.python)
    declared, _ = signature(o, skip=("after", "page"))
    pass_on = [
        p.python if p.place == "path" else f"{p.python}={p.python}" for p in o.parameters
        if p.wire not in {"after", "page"}
        and not (o.internal and p.place == "path" and p.wire == "instance_id")
    ]
    pass_on += [f"{how}={how}", "timeout=timeout"]
    call = f"{'await ' if asynchronous else ''}self.{o.python}("
    lines = [""]
    lines += wrapped(
        f"{'async def' if asynchronous else 'def'} {name}(", declared,
        f") -> {iterator}[{qualify(item)}]:", 4,
    )
    lines += docstring(f"Iterates over all that `{o.python}` lists, page by page.", 8)
    start = "after: str | None = None" if how == "after" else "page = 1"
    lines += [f"        {start}", "        while True:"]
    lines += wrapped(f"answer = {call}", pass_on, ")", 12)
    lines += [f"            for item in answer.{snake(member)}:", "                yield item"]
    if how == "after":
        lines += ["            after = answer.next", "            if after is None:", "                return"]
    else:
        lines += ["            if page >= answer.total_pages:", "                return", "            page += 1"]
    return lines


def generate(contract: pathlib.Path) -> dict[str, str]:
    c, operations = read_contract(contract)
    version = c.doc["info"]["version"]
    return {
        "__init__.py": HEADER.format(about="Generated from the contract.").rstrip()
        + f"\n\nCONTRACT_VERSION = {literal(version)}\n",
        "models.py": models(c),
        "problems.py": problems(c),
        "operations.py": operations_module(operations),
        "sync_clients.py": clients(c, operations, asynchronous=False),
        "async_clients.py": clients(c, operations, asynchronous=True),
    }


def main(arguments: list[str]) -> int:
    check = "--check" in arguments
    paths = [a for a in arguments if a != "--check"]
    if len(paths) != 2:
        print("usage: generate.py [--check] openapi.yaml FOLDER", file=sys.stderr)
        return 2
    contract, folder = map(pathlib.Path, paths)
    try:
        files = generate(contract)
    except Unsupported as error:
        print(f"generate.py: cannot generate from {contract}: {error}", file=sys.stderr)
        return 1
    present = {p.name for p in folder.glob("*.py")} if folder.is_dir() else set()
    if check:
        stale = sorted(
            {n for n, text in files.items()
             if n not in present or (folder / n).read_text(encoding="utf-8") != text}
            | (present - set(files))
        )
        for name in stale:
            print(f"{folder / name} is not what the contract gives: run make gen", file=sys.stderr)
        return 1 if stale else 0
    folder.mkdir(parents=True, exist_ok=True)
    for name in present - set(files):
        (folder / name).unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
