// Each marked line is a mistake that must not compile: a mark without a mistake is an error itself. No Node types here:
// what compiles in this folder compiles for the browser.
import {
  Admin,
  Runtime,
  LockedError,
  MemorySeen,
  NO_ACTION,
  NotConfirmedError,
  WrongPinError,
  keysFromJwks,
  verifyReceipt,
} from "@hydracore/hydrapin";
import type { ExpectedReceipt, Question } from "@hydracore/hydrapin";

const id = "497f6eca-6276-4993-bfeb-53cbbbba6f08";
const baseUrl = "https://pin.example.com";

export const client = new Admin({ baseUrl, apiKey: "k" });
export const bySource = new Admin({
  baseUrl,
  token: async (signal: AbortSignal) => (signal.aborted ? "" : "t"),
});
// @ts-expect-error no credential
export const none = new Admin({ baseUrl });
// @ts-expect-error two credentials
export const both = new Admin({ baseUrl, apiKey: "k", token: "t" });
// @ts-expect-error a setting that is not there
export const typo = new Admin({ baseUrl, apiKey: "k", timeout: 5 });
export const runtime = new Runtime({ baseUrl, apiKey: "k", instanceId: id });
// @ts-expect-error no instance
export const homeless = new Runtime({ baseUrl, apiKey: "k" });

export async function policies(): Promise<void> {
  const { policy, etag } = await client.getPinPolicy(id);
  await client.updatePinPolicy(id, { pin_required_skills: ["a", "*"], pin_applies_to: null }, { ifMatch: etag ?? "*" });
  // @ts-expect-error a mistyped field
  await client.updatePinPolicy(id, { pin_required_skill: ["a"] });
  // @ts-expect-error a role that is not there
  await client.updatePinPolicy(id, { pin_applies_to: "admin" });
  // @ts-expect-error minutes are a number
  await client.updatePinPolicy(id, { pin_session_ttl_minutes: "30" });
  // @ts-expect-error skills are a list
  await client.updatePinPolicy(id, { pin_required_skills: "a" });
  // @ts-expect-error an answer's field that is not there
  policy.pin_ttl;
  // @ts-expect-error a PIN is a string
  await client.setCustomerPin(id, 1234);
  // @ts-expect-error the answer has no PIN
  (await client.getCustomerPinStatus(id)).pin;
  // @ts-expect-error nothing to be had
  (await client.removeCustomerPin(id)).has_pin;
}

const question: Question = { skill: "a", role: "owner", customer_id: id };
export const questions: Question[] = [
  question,
  {
    skill: "a",
    role: "owner",
    identity_id: id,
    action: { summary: "s", params: { n: 1 } },
    idempotency_key: "k",
    expires_in_seconds: 5,
  },
  // @ts-expect-error no holder
  { skill: "a", role: "owner" },
  // @ts-expect-error two holders
  { skill: "a", role: "owner", customer_id: id, identity_id: id },
  // @ts-expect-error no role
  { skill: "a", customer_id: id },
  // @ts-expect-error another role
  { skill: "a", role: "admin", customer_id: id },
  // @ts-expect-error an action has params
  { skill: "a", role: "owner", customer_id: id, action: { summary: "s" } },
  // @ts-expect-error params are an object
  { skill: "a", role: "owner", customer_id: id, action: { summary: "s", params: "x" } },
  // @ts-expect-error an unknown field
  { skill: "a", role: "owner", customer_id: id, expires_in: 5 },
  { skill: "a", role: "owner", customer_id: id, call_key: "k" },
  // @ts-expect-error two keys
  { skill: "a", role: "owner", customer_id: id, call_key: "k", idempotency_key: "k" },
];

export async function guarded(): Promise<number> {
  await runtime.redeemConfirmation(id, { skill: "a", params: { n: 1 } });
  // @ts-expect-error an unknown field
  await runtime.redeemConfirmation(id, { skill: "a", param: {} });
  // @ts-expect-error exactly one holder
  await runtime.endPinSessions({});
  // @ts-expect-error a status that is not there
  (await runtime.getConfirmation(id, { waitSeconds: 5 })).status === "accepted";
  // @ts-expect-error an outcome that is not there
  await runtime.reportOutcome(id, "done");
  // @ts-expect-error only open confirmations are listed
  await runtime.listConfirmations({ status: "declined" });
  // @ts-expect-error at most one holder
  await runtime.listConfirmations({ customer_id: id, identity_id: id });
  await client.setInstanceFreeze(id, { reason: "r" });
  // @ts-expect-error a mistyped field
  await client.setTenantFreeze({ why: "r" });
  // @ts-expect-error nothing to run
  await runtime.guard(question);
  // @ts-expect-error the result is the function's
  const text: string = await runtime.guard(question, () => 1);
  void text;
  return runtime.guard(
    question,
    ({ confirmation, params, receipt }) => {
      // @ts-expect-error what was confirmed stays as it is
      if (params) params["n"] = 2;
      // @ts-expect-error there may be no receipt
      receipt.length;
      return confirmation.skill.length;
    },
    {
      onPending: async (pending, { signal }) =>
        void (await runtime.verifyConfirmation(pending.id, "804615", { signal })),
    },
  );
}

export function errors(error: unknown): Date | number | string | null {
  if (error instanceof WrongPinError) return error.attemptsRemaining;
  if (error instanceof LockedError) return error.until;
  // @ts-expect-error only an incorrect PIN says what remains
  if (error instanceof NotConfirmedError) return error.attemptsRemaining;
  return error instanceof NotConfirmedError ? error.requestId : null;
}

const expected: ExpectedReceipt = {
  tenantId: id,
  instanceId: id,
  holderType: "customer",
  holderId: id,
  skill: "a",
  params: NO_ACTION,
};
const keys = keysFromJwks({ keys: [] });
const seen = new MemorySeen();
export async function receipts(token: string): Promise<string> {
  // @ts-expect-error nothing expected
  await verifyReceipt(token, {}, { issuer: baseUrl, keys, seen });
  // @ts-expect-error no store of what was seen
  await verifyReceipt(token, expected, { issuer: baseUrl, keys });
  // @ts-expect-error no issuer
  await verifyReceipt(token, expected, { keys, seen });
  // @ts-expect-error no keys
  await verifyReceipt(token, expected, { issuer: baseUrl, seen });
  const { params, ...rest } = expected;
  void params;
  // @ts-expect-error whether there was an action must be said
  await verifyReceipt(token, rest, { issuer: baseUrl, keys, seen });
  // @ts-expect-error null does not say that there was none
  await verifyReceipt(token, { ...rest, params: null }, { issuer: baseUrl, keys, seen });
  // @ts-expect-error another type of holder
  await verifyReceipt(token, { ...expected, holderType: "user" }, { issuer: baseUrl, keys, seen });
  return (await verifyReceipt(token, expected, { issuer: baseUrl, keys, seen })).id;
}
