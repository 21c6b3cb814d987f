// The programs beside the person: the runtime that asks and redeems, and the admin who sets PINs up.
import { randomUUID } from 'node:crypto';

/**
 * Sets up one instance with its owner.
 * @param {{origin: string, key: string, runtimeKey: (instance: string) => Promise<string>}} server
 * @param {{pin?: string}} [given] the owner's PIN, if it is set over the API
 */
export async function startRuntime(server, { pin } = {}) {
  const [instance, customer] = [randomUUID(), randomUUID()];
  const runtimeKey = await server.runtimeKey(instance);
  const call = async (key, method, path, body) => {
    const response = await fetch(server.origin + path, {
      method,
      headers: { 'x-api-key': key, ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : undefined };
  };
  const must = async (status, ...request) => {
    const answer = await call(...request);
    if (answer.status !== status) {
      throw new Error(`${request[1]} ${request[2]}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  };
  const policy = { pin_required_skills: ['payments.transfer'] };
  await must(200, server.key, 'PATCH', `/v1/instances/${instance}/pin-policy`, policy);
  if (pin) await must(200, server.key, 'POST', `/v1/customers/${customer}/pin`, { pin });

  const confirmations = `/internal/v1/instances/${instance}/confirmations`;
  const skill = 'payments.transfer';
  return {
    instance,
    customer,
    /** Asks for the owner's confirmation; the answer has the link as `confirm_url`. */
    ask: (action, options) =>
      must(201, runtimeKey, 'POST', confirmations, { skill, role: 'owner', customer_id: customer, action, ...options }),
    /** The status of a question that may not be asked. */
    askStatus: async (action) =>
      (await call(runtimeKey, 'POST', confirmations, { skill, role: 'owner', customer_id: customer, action })).status,
    /** The long poll: answers once the question is no longer pending. */
    wait: (id) => must(200, runtimeKey, 'GET', `${confirmations}/${id}?wait_seconds=30`),
    /** Redeems, and returns status and body, whatever they are. */
    redeem: (id, params) => call(runtimeKey, 'POST', `${confirmations}/${id}/redeem`, { skill, params }),
    pinLink: () => must(201, server.key, 'POST', `/v1/customers/${customer}/pin-links`, {}),
    endPINLinks: () => must(204, server.key, 'DELETE', `/v1/customers/${customer}/pin-links`),
    pinStatus: () => must(200, server.key, 'GET', `/v1/customers/${customer}/pin`),
    /** A link for an identity, which the runtime may keep alive for as little as a minute. */
    identityLink: (identity, expires_in_seconds) =>
      must(201, runtimeKey, 'POST', `/internal/v1/instances/${instance}/identities/${identity}/pin-links`, { expires_in_seconds }),
  };
}
