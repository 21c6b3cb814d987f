import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

import { ParamsError, canonicalParams, paramsDigest } from "@hydracore/hydrapin";

test("the vectors of RFC 8785", () => {
  // Section 3.2.2 and 3.2.4, and the sorting example of section 3.2.3.
  const sample = {
    numbers: [333333333.33333329, 4.5, 2e-3, 0.000000000000000000000000001],
    string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"/",
    literals: [null, true, false],
  };
  assert.equal(
    canonicalParams(sample),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
  const sorted = canonicalParams({
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\ud83d\ude00": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis",
  });
  assert.deepEqual(
    Array.from(sorted.matchAll(/:"(.*?)"/g), ([, value]) => value),
    [
      "Carriage Return",
      "One",
      "Control",
      "Latin Small Letter O With Diaeresis",
      "Euro Sign",
      "Emoji: Grinning Face",
      "Hebrew Letter Dalet With Dagesh",
    ],
  );
  // Appendix B.
  for (const [bits, text] of [
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ] as const) {
    assert.equal(canonicalParams({ n: Buffer.from(bits, "hex").readDoubleBE() }), `{"n":${text}}`);
  }
});

test("the digest is of the canonical text, whatever the order", async () => {
  const text = '{"amount":"250.00","currency":"EUR","to":"DE89370400440532013000"}';
  const digest = "sha-256:" + createHash("sha256").update(text).digest("hex");
  assert.equal(await paramsDigest({ to: "DE89370400440532013000", amount: "250.00", currency: "EUR" }), digest);
  assert.equal(await paramsDigest(JSON.parse(text) as Record<string, unknown>), digest);
  // The example of openapi.yaml.
  assert.equal(digest, "sha-256:8210e660fc7e51a0c9b11419f9c368b32033e54c8e4844a5863bfce1275acfaa");
});

test("names that JavaScript treats in its own way are names", () => {
  assert.equal(
    canonicalParams(
      JSON.parse('{"__proto__":{"a":1},"constructor":2,"10":3,"9":4,"toJSON":5}') as Record<string, unknown>,
    ),
    '{"10":3,"9":4,"__proto__":{"a":1},"constructor":2,"toJSON":5}',
  );
  assert.equal(canonicalParams(Object.assign(Object.create(null) as object, { a: 1 })), '{"a":1}');
  assert.equal(canonicalParams(runInNewContext("({a: [{b: 1}]})") as Record<string, unknown>), '{"a":[{"b":1}]}');
});

test("what JSON would change in silence is refused", () => {
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  const cases: Record<string, unknown> = {
    undefined: { a: undefined },
    "a function": { a: () => 1 },
    "a bigint": { a: 1n },
    "a symbol": { a: Symbol("s") },
    "a symbol name": { [Symbol("s")]: 1 },
    NaN: { a: NaN },
    infinity: { a: -Infinity },
    "a date": { a: new Date() },
    "a map": { a: new Map() },
    "a class": { a: new (class A {})() },
    "a boxed string": { a: Object("s") },
    "a hole": { a: [1, , 2] },
    "a lone surrogate": { a: "\ud83d" },
    "a lone surrogate in a name": { "\ude00": 1 },
    circular,
    "an array": [],
    null: null,
    "a string": "{}",
  };
  for (const [name, value] of Object.entries(cases))
    assert.throws(() => canonicalParams(value as never), ParamsError, name);
});

test("an integer that a double may have changed is refused, by the name of its member", () => {
  // Not a mistake of this test: the source says 725653563933458432, and this is what JavaScript makes of it.
  const amount = JSON.parse("725653563933458432") as number;
  for (const n of [amount, 2 ** 53, -(2 ** 53), 1e21, 1n, NaN, Infinity]) {
    assert.throws(
      () => canonicalParams({ order: { lines: [{ amount: n }] } }),
      (error: unknown) => error instanceof ParamsError && /^params\.order\.lines\[0\]\.amount .*pass a string/.test(error.message),
    );
  }
  assert.equal(canonicalParams({ n: [2 ** 53 - 1, -(2 ** 53 - 1), 0.5] }), '{"n":[9007199254740991,-9007199254740991,0.5]}');
});

test("32 levels and 16 KiB are the most", () => {
  const nested = (levels: number): Record<string, unknown> => (levels === 1 ? {} : { a: nested(levels - 1) });
  assert.ok(canonicalParams(nested(32)));
  assert.throws(() => canonicalParams(nested(33)), ParamsError);
  const sized = (bytes: number) => ({ a: "ö".repeat((bytes - 8) / 2) });
  assert.equal(Buffer.byteLength(canonicalParams(sized(16384))), 16384);
  assert.throws(() => canonicalParams(sized(16386)), ParamsError);
});
