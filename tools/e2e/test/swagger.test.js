// Swagger UI at /docs, as a tenant's admin uses it.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { left, picture, screens, sideways } from '../lib/browser.js';
import { operations } from '../lib/contract.js';
import { setStage } from '../lib/stage.js';

const stage = setStage();
const strong = '4719';
const weak = '1111';

const operation = (page, id) => page.locator(`[id^="operations-"][id$="-${id}"]`);

async function loaded(page) {
  await operation(page, 'setCustomerPin').waitFor();
  await operation(page, 'redeemConfirmation').waitFor();
}

/** Opens an operation and returns it. */
async function opened(page, id) {
  const one = operation(page, id);
  await one.locator('.opblock-summary-control').click();
  await one.locator('.opblock-body').waitFor();
  return one;
}

async function authorize(page, field, credential) {
  await page.locator('.auth-wrapper .authorize').click();
  const input = page.locator('.modal-ux').locator(field);
  await input.fill(credential);
  await input.press('Enter');
  await page.locator('.modal-ux').getByRole('button', { name: 'Remove authorization' }).waitFor();
  await page.locator('.modal-ux .close-modal').click();
  await page.locator('.modal-ux').waitFor({ state: 'detached' });
}

/** Fills in setCustomerPin, executes it and returns the answer that is shown. */
async function setPin(one, customer, pin) {
  await one.locator('tr[data-param-name="customer_id"] input').fill(customer);
  await one.locator('textarea.body-param__text').fill(JSON.stringify({ pin }));
  const clear = one.locator('.btn-clear');
  if (await clear.isVisible()) await clear.click();
  await one.locator('.execute').click();
  return answer(one);
}

async function answer(one) {
  const shown = one.locator('.live-responses-table tbody tr.response');
  const status = await shown.locator('.response-col_status').innerText();
  const body = await shown.locator('.response-col_description .highlight-code code').first().innerText();
  return { status: Number.parseInt(status, 10), body };
}

for (const [kind, field, credential] of [
  ['a key', '#api_key_value', () => stage.server.key],
  ['a token', '#auth-bearer-value', () => stage.server.token()],
]) {
  stage.test(`/docs: ${kind} sets a PIN, and is told that another is weak`, async (t) => {
    const { page, faults } = await stage.visit(t, `${stage.server.origin}/docs`);
    await loaded(page);
    await authorize(page, field, await credential());
    const one = await opened(page, 'setCustomerPin');

    const set = await setPin(one, randomUUID(), strong);
    assert.equal(set.status, 200, set.body);
    assert.equal(JSON.parse(set.body).has_pin, true);
    await picture(page, `docs-desktop-set-with-${kind.slice(2)}`);

    const guessable = randomUUID();
    const refused = await setPin(one, guessable, weak);
    assert.equal(refused.status, 422, refused.body);
    assert.deepEqual(
      JSON.parse(refused.body).detail.map(({ loc, type }) => [loc, type]),
      [[['body', 'pin'], 'pin_too_weak']],
    );
    assert.ok(!refused.body.includes(weak));
    await one.locator('.live-responses-table').scrollIntoViewIfNeeded();
    await picture(page, `docs-desktop-weak-with-${kind.slice(2)}`);
    assert.deepEqual(await faults([`422 POST /v1/customers/${guessable}/pin`]), []);
  });
}

stage.test('/docs: a credential ends with the page and leaves nothing behind', async (t) => {
  const { page, faults } = await stage.visit(t, `${stage.server.origin}/docs`);
  await loaded(page);
  await authorize(page, '#api_key_value', stage.server.key);
  await page.locator('.auth-wrapper .authorize.locked').waitFor();
  const customer = randomUUID();
  assert.equal((await setPin(await opened(page, 'setCustomerPin'), customer, strong)).status, 200);
  assert.deepEqual(await left(page), []);

  await page.reload();
  await loaded(page);
  await page.locator('.auth-wrapper .authorize.unlocked').waitFor();
  assert.deepEqual(await left(page), []);
  // The address still names the operation, so it is open.
  const again = await setPin(operation(page, 'setCustomerPin'), customer, strong);
  assert.equal(again.status, 401, again.body);
  assert.deepEqual(await faults([`401 POST /v1/customers/${customer}/pin`]), []);
});

stage.test('/docs: a deep link opens its operation, and an opened operation makes the link', async (t) => {
  const link = '/docs#/Pin%20confirmation/updatePinPolicy';
  const { page, faults } = await stage.visit(t, stage.server.origin + link);
  const linked = operation(page, 'updatePinPolicy');
  await linked.locator('.opblock-body').waitFor();
  await page.waitForFunction(() => window.scrollY > 0);
  const { y } = await linked.boundingBox();
  assert.ok(y >= 0 && y < 100, `the operation is at ${y}`);
  assert.equal(await page.locator('.opblock.is-open').count(), 1);

  await opened(page, 'verifyConfirmation');
  assert.equal(new URL(page.url()).hash, '#/Pin%20confirmation%20internal/verifyConfirmation');
  assert.deepEqual(await faults(), []);
});

stage.test('/docs: below a path prefix it shows, calls and links the same', async (t) => {
  const base = await stage.gateway(t, '/some/prefix');
  const { page, faults } = await stage.visit(t, `${base}/docs#/Pin%20confirmation/setCustomerPin`);
  await loaded(page);
  const one = operation(page, 'setCustomerPin');
  await one.locator('.opblock-body').waitFor();
  await authorize(page, '#api_key_value', stage.server.key);
  const customer = randomUUID();
  const set = await setPin(one, customer, strong);
  assert.equal(set.status, 200, set.body);
  assert.equal(await one.locator('.request-url pre').innerText(), `${base}/v1/customers/${customer}/pin`);
  assert.deepEqual(await faults(), []);
});

// Every operation open at once, pictures of all of the page, and every model in view: the heaviest
// here on a machine under load.
const patience = 120_000;

stage.test('/docs: every operation opens without a complaint', async (t) => {
  const { page, faults } = await stage.visit(t, `${stage.server.origin}/docs`);
  page.setDefaultTimeout(patience);
  await loaded(page);
  const controls = page.locator('.opblock .opblock-summary-control');
  const count = await controls.count();
  assert.equal(count, operations.length);
  for (const id of operations) assert.equal(await operation(page, id).count(), 1, id);
  await controls.evaluateAll((all) => all.forEach((control) => control.click()));
  await page.waitForFunction((want) => document.querySelectorAll('.opblock-body').length === want, count);
  assert.deepEqual(await faults(), []);
});

for (const [name, screen] of Object.entries(screens)) {
  stage.test(`/docs: it fits a ${name}`, async (t) => {
    const { page, faults } = await stage.visit(t, `${stage.server.origin}/docs`, screen);
    page.setDefaultTimeout(patience);
    await loaded(page);
    await picture(page, `docs-${name}`);
    assert.deepEqual(await sideways(page), [], 'the first look');

    await page.locator('.auth-wrapper .authorize').click();
    await page.locator('#api_key_value').waitFor();
    await picture(page, `docs-${name}-authorize`);
    assert.deepEqual(await sideways(page), [], 'Authorize');
    const form = await page.locator('.modal-ux').boundingBox();
    assert.ok(form.x >= 0 && form.x + form.width <= screen.viewport.width, 'Authorize is cut off');
    await page.locator('.modal-ux .close-modal').click();

    await authorize(page, '#auth-bearer-value', await stage.server.token());
    const one = await opened(page, 'setCustomerPin');
    assert.equal((await setPin(one, randomUUID(), strong)).status, 200);
    assert.deepEqual(await sideways(page), [], 'an answer');
    await picture(page, `docs-${name}-operation`, { fullPage: true });

    // The widest of all: the longest path and the largest body.
    await opened(page, 'askConfirmation');
    for (const model of await page.locator('.models .model-container').all()) await model.scrollIntoViewIfNeeded();
    assert.deepEqual(await sideways(page), [], 'all of it');
    await page.locator('.models').scrollIntoViewIfNeeded();
    await picture(page, `docs-${name}-schemas`);
    assert.deepEqual(await faults(), []);
  });
}
