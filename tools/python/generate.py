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

import keyword
import pathlib
import re
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

Schema = dict[str, Any]
HEADER = '"""{about}\n\nGenerated from openapi.yaml by tools/python/generate.py. Do not edit.\n"""\n\n'
WIDTH = 99
# What a client handles itself: it never sends a conditional GET, and so never gets a 304.
IGNORED_HEADERS = {"if-none-match"}
# DELETE of these may be repeated: nothing that is set afterwards is removed by the second one.
REPEATABLE_DELETES = ("/confirmations/{confirmation_id}", "/pin-sessions")
# With one of these members, a POST may be repeated: the server recognises the second one.
REPEAT_KEYS = ("idempotency_key", "call_key")


class Loader(yaml.CSafeLoader):
    """YAML 1.2's booleans: `on` and `no` are words."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(  # type: ignore[no-untyped-call]  # PyYAML has no types
    "tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf")
)


class Unsupported(Exception):
    """The contract uses something that this generator does not know."""


def snake(name: str) -> str:
    name = re.sub(r"[^0-9A-Za-z]+", "_", name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower().strip("_")
    return name + "_" if keyword.iskeyword(name) else name


def pascal(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^0-9A-Za-z]+", name))


def literal(value: object) -> str:
    """A literal in the quotes that the rest of the code has."""
    text = repr(value)
    if isinstance(value, str) and text.startswith("'") and '"' not in text:
        return '"' + text[1:-1] + '"'
    return text


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


@dataclass
class Contract:
    doc: Schema
    requests: dict[str, Schema] = field(default_factory=dict)
    answers: dict[str, Schema] = field(default_factory=dict)
    with_etag: set[str] = field(default_factory=set)

    def resolve(self, node: Schema) -> Schema:
        while "$ref" in node:
            target: Any = self.doc
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    @staticmethod
    def name_of(node: Schema) -> str | None:
        ref = node.get("$ref", "")
        return ref.rsplit("/", 1)[1] if ref.startswith("#/components/schemas/") else None

    def flat(self, node: Schema) -> tuple[Schema, str | None, bool]:
        """A schema without references and allOf, its component name, and whether it may be null."""
        name, nullable = self.name_of(node), False
        schema = self.resolve(node)
        nullable = bool(schema.get("nullable"))
        if "allOf" in schema:
            parts = schema["allOf"]
            if len(parts) == 1 and "properties" not in schema:
                inner, inner_name, inner_null = self.flat(parts[0])
                return inner, name or inner_name, nullable or inner_null
            merged: Schema = {"type": "object", "properties": {}, "required": []}
            for part in [*parts, {k: v for k, v in schema.items() if k != "allOf"}]:
                flat = self.flat(part)[0] if "$ref" in part or "allOf" in part else part
                merged["properties"] |= flat.get("properties", {})
                merged["required"] += flat.get("required", [])
                if "description" in flat:
                    merged["description"] = flat["description"]
            schema = merged
        if None in schema.get("enum", []):
            nullable = True
        return schema, name, nullable


@dataclass
class Typed:
    """A type in an annotation, and in answers the decoder that makes it."""

    annotation: str
    decoder: str = ""


def is_object(schema: Schema) -> bool:
    return schema.get("type") == "object" or "properties" in schema


def request_type(c: Contract, node: Schema, hint: str) -> str:
    schema, name, nullable = c.flat(node)
    text = _request_type(c, schema, name, hint)
    return f"{text} | None" if nullable else text


def _request_type(c: Contract, schema: Schema, name: str | None, hint: str) -> str:
    kind = schema.get("type")
    if schema.get("x-redact") or schema.get("format") == "password":
        return "str | Secret"
    if "enum" in schema:
        return f"Literal[{', '.join(literal(v) for v in schema['enum'] if v is not None)}]"
    if schema.get("format") == "uuid":
        return "UUID | str"
    if schema.get("format") == "date-time":
        return "datetime | str"
    if kind in {"string", "integer", "number", "boolean"}:
        return {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}[kind]
    if kind == "array":
        item = request_type(c, schema["items"], hint + "Item")
        return f"Sequence[{item}]"
    if is_object(schema):
        if not schema.get("properties"):
            return "Mapping[str, Any]"
        type_name = name or hint
        if type_name not in c.requests:
            c.requests[type_name] = schema
            for member, value in schema["properties"].items():
                request_type(c, value, type_name + pascal(member))
        return type_name
    raise Unsupported(f"request schema {hint}: {schema}")


def answer_type(c: Contract, node: Schema, hint: str) -> Typed:
    schema, name, nullable = c.flat(node)
    typed = _answer_type(c, schema, name, hint)
    if nullable:
        return Typed(f"{typed.annotation} | None", f"wire.nullable({typed.decoder})")
    return typed


def _answer_type(c: Contract, schema: Schema, name: str | None, hint: str) -> Typed:
    kind = schema.get("type")
    if schema.get("x-redact") or schema.get("format") == "password":
        return Typed("Secret", "wire.secret")
    if schema.get("format") == "uuid":
        return Typed("UUID", "wire.uuid")
    if schema.get("format") == "date-time":
        return Typed("datetime", "wire.time")
    if kind == "string":
        # An enum too: a newer server may send values that this version does not know.
        return Typed("str", "wire.text")
    if kind in {"integer", "number", "boolean"}:
        return Typed(*{
            "integer": ("int", "wire.integer"), "number": ("float", "wire.number"),
            "boolean": ("bool", "wire.boolean"),
        }[kind])
    if kind == "array":
        item = answer_type(c, schema["items"], hint + "Item")
        return Typed(f"tuple[{item.annotation}, ...]", f"wire.array({item.decoder})")
    if is_object(schema):
        if not schema.get("properties"):
            return Typed("Mapping[str, Any]", "wire.mapping")
        type_name = name or hint
        if type_name not in c.answers:
            c.answers[type_name] = schema
            for member, value in schema["properties"].items():
                answer_type(c, value, type_name + pascal(member))
        return Typed(type_name, f"{type_name}.from_wire")
    # oneOf and anyOf: as it came.
    return Typed("object", "wire.anything")


@dataclass
class Parameter:
    wire: str
    place: str
    required: bool
    annotation: str
    description: str
    uuid: bool

    @property
    def python(self) -> str:
        return snake(self.wire)


@dataclass
class Operation:
    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Parameter]
    body: str | None
    body_required: bool
    statuses: list[int]
    answer: Typed
    etag: bool
    paging: tuple[str, str, str] | None = None  # how, member with the items, the items' type

    @property
    def python(self) -> str:
        return snake(self.id)

    @property
    def constant(self) -> str:
        return self.python.upper()

    @property
    def internal(self) -> bool:
        return self.path.startswith("/internal/")

    @property
    def repeatable(self) -> bool:
        if self.method == "DELETE":
            return self.path.endswith(REPEATABLE_DELETES)
        return self.method == "GET" or self.path.endswith("/outcome")


def read_operation(c: Contract, path: str, method: str, node: Schema, shared: list[Schema]) -> Operation:
    parameters = []
    for raw in [*shared, *node.get("parameters", [])]:
        p = c.resolve(raw)
        if p["in"] == "header" and p["name"].lower() in IGNORED_HEADERS:
            continue
        if p["in"] not in {"path", "query", "header"}:
            raise Unsupported(f"{node['operationId']}: parameter in {p['in']}")
        parameters.append(Parameter(
            p["name"], p["in"], bool(p.get("required")),
            request_type(c, p["schema"], pascal(node["operationId"]) + pascal(p["name"])),
            p.get("description", ""), c.flat(p["schema"])[0].get("format") == "uuid",
        ))
    body, body_required = None, False
    if "requestBody" in node:
        request = c.resolve(node["requestBody"])
        schema = request["content"]["application/json"]["schema"]
        body = request_type(c, schema, pascal(node["operationId"]) + "Request")
        body_required = bool(request.get("required"))
    statuses, answer, etag = [], Typed("None", "wire.nothing"), False
    for status, raw in node["responses"].items():
        if not re.fullmatch(r"2\d\d", str(status)):
            continue
        response = c.resolve(raw)
        statuses.append(int(status))
        for media, content in response.get("content", {}).items():
            if media.partition(";")[0] == "application/json":
                answer = answer_type(c, content["schema"], pascal(node["operationId"]) + "Answer")
                if "ETag" in response.get("headers", {}):
                    etag = True
                    c.with_etag.add(answer.annotation)
            else:
                answer = Typed("bytes", "wire.raw")
            break
    operation = Operation(
        node["operationId"], method.upper(), path, node.get("summary", ""),
        node.get("description", ""), parameters, body, body_required, statuses, answer, etag,
    )
    operation.paging = paging_of(c, operation)
    return operation


def paging_of(c: Contract, o: Operation) -> tuple[str, str, str] | None:
    """How a list is paged: by a cursor (`after`, `next`), or by `page` and `total_pages`."""
    schema = c.answers.get(o.answer.annotation)
    if o.method != "GET" or schema is None:
        return None
    members = schema["properties"]
    lists = [(n, s) for n, s in members.items() if c.flat(s)[0].get("type") == "array"]
    query = {p.wire for p in o.parameters if p.place == "query"}
    if len(lists) != 1:
        return None
    name, node = lists[0]
    item = answer_type(c, c.flat(node)[0]["items"], o.answer.annotation + pascal(name) + "Item")
    if "after" in query and "next" in members:
        return "after", name, item.annotation
    if "page" in query and "total_pages" in members:
        return "page", name, item.annotation
    return None


def read_contract(path: pathlib.Path) -> tuple[Contract, list[Operation]]:
    c = Contract(yaml.load(path.read_text(encoding="utf-8"), Loader=Loader))
    operations = []
    for route, item in c.doc["paths"].items():
        for method in ("get", "put", "post", "patch", "delete"):
            if method in item:
                shared = item.get("parameters", [])
                operations.append(read_operation(c, route, method, item[method], shared))
    return c, operations


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
