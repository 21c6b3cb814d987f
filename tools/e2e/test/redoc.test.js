// ReDoc at /redoc, as someone who builds against the server reads it.
import assert from 'node:assert/strict';
import { left, picture, screens, sideways } from '../lib/browser.js';
import { operations } from '../lib/contract.js';
import { setStage } from '../lib/stage.js';

const stage = setStage();

const section = (page, id) => page.locator(`[data-section-id$="operation/${id}"]`).first();

async function loaded(page) {
  await section(page, 'setCustomerPin').waitFor();
  await section(page, 'endPinSessions').waitFor();
}

const inView = (element) => {
  const { top, bottom } = element.getBoundingClientRect();
  return window.scrollY > 0 && top < window.innerHeight / 2 && bottom > 0;
};

stage.test('/redoc: it shows every operation, searches, and leaves nothing behind', async (t) => {
  const { page, faults } = await stage.visit(t, `${stage.server.origin}/redoc`);
  await loaded(page);
  for (const id of operations) assert.equal(await section(page, id).count(), 1, id);

  // The search runs in a worker, which the policy has to allow.
  await page.getByPlaceholder('Search...').fill('unlock');
  const result = page.locator('[data-role="search:results"] li', { hasText: "Unlock a customer's PIN" });
  await result.first().waitFor();
  await picture(page, 'redoc-desktop-search');
  await result.first().click();
  await page.waitForFunction(inView, await section(page, 'unlockCustomerPin').elementHandle());

  assert.deepEqual(await left(page), []);
  assert.deepEqual(await faults(), []);
});

stage.test('/redoc: a deep link scrolls to its operation', async (t) => {
  const link = '/redoc#tag/Pin-confirmation-internal/operation/redeemConfirmation';
  const { page, faults } = await stage.visit(t, stage.server.origin + link);
  await loaded(page);
  await page.waitForFunction(inView, await section(page, 'redeemConfirmation').elementHandle());
  assert.deepEqual(await faults(), []);
});

stage.test('/redoc: below a path prefix it names the addresses and offers the contract', async (t) => {
  const base = await stage.gateway(t, '/some/prefix');
  const { page, faults } = await stage.visit(t, `${base}/redoc`);
  await loaded(page);
  const shown = await section(page, 'setCustomerPin').textContent();
  assert.ok(shown.includes(`${base}/v1/customers/{customer_id}/pin`), shown);
  const links = await page.locator('a[download]').evaluateAll((all) => all.map(({ href }) => href));
  assert.deepEqual(links, [`${base}/openapi.yaml`, `${base}/openapi.json`]);
  for (const link of links) {
    assert.match(await page.evaluate(async (href) => (await fetch(href)).text(), link), /openapi"?: "?3\.0\.3/);
  }
  assert.deepEqual(await faults(), []);
});

for (const [name, screen] of Object.entries(screens)) {
  stage.test(`/redoc: it fits a ${name}`, async (t) => {
    const { page, faults } = await stage.visit(t, `${stage.server.origin}/redoc`, screen);
    await loaded(page);
    await picture(page, `redoc-${name}`);
    assert.deepEqual(await sideways(page), [], 'the first look');

    const one = section(page, 'setCustomerPin');
    await one.evaluate((element) => element.scrollIntoView());
    // All that can be folded out is, so that the widest of it is seen.
    await one.locator('button[aria-expanded="false"], button:has(svg)').evaluateAll((all) => all.forEach((b) => b.click()));
    await picture(page, `redoc-${name}-operation`);
    assert.deepEqual(await sideways(page), [], 'an operation');
    await section(page, 'askConfirmation').evaluate((element) => element.scrollIntoView());
    await picture(page, `redoc-${name}-ask`);
    assert.deepEqual(await sideways(page), [], 'the largest operation');
    assert.deepEqual(await faults(), []);
  });
}
