// The person's side on the real server: the runtime asks, the person answers on the page in a real
// browser, and the runtime learns of it. How the pages look is page.test.js.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { left, picture, screens, sideways } from '../lib/browser.js';
import { axeFinds } from '../lib/pages.js';
import { startRuntime } from '../lib/runtime.js';
import { startServer } from '../lib/server.js';
import { setStage } from '../lib/stage.js';

// A minute is the shortest that a link may live, so it begins before the tests and is used in the last.
let brief;
const stage = setStage(async () => {
  const server = await startServer();
  brief = await (await startRuntime(server)).identityLink(randomUUID(), 60);
  return server;
});
const correct = '804615';
const incorrect = '804616';
const phone = { ...screens.phone, colorScheme: 'light', locale: 'en-GB' };
const withoutScripts = { ...phone, javaScriptEnabled: false };
const pay = {
  summary: 'Send 250.00 EUR to DE89 3704 0044 0532 0130 00',
  params: { amount: '250.00', currency: 'EUR', to: 'DE89370400440532013000' },
};

const heading = (page, text) => page.getByRole('heading', { level: 1, name: text }).waitFor();
const refusal = (status, method, url) => `${status} ${method} ${new URL(url).pathname}`;
const enter = async (page, pin) => {
  await page.locator('#pin').fill(pin);
  await page.getByRole('button', { name: 'Confirm', exact: true }).click();
};
// The error's text, once it is there: without scripts, a new page brings it.
const says = (page, text) => page.locator('.error').getByText(text).waitFor();

for (const [how, screen] of [['with', phone], ['without', withoutScripts]]) {
  stage.test(`asked, incorrect, correct, redeemed, ${how} scripts`, async (t) => {
    const runtime = await startRuntime(stage.server, { pin: correct });
    const asked = await runtime.ask(pay);
    const answer = runtime.wait(asked.id);
    const { page, faults } = await stage.visit(t, asked.confirm_url, screen);
    await heading(page, 'The agent asks to:');
    assert.equal(await page.locator('blockquote').textContent(), pay.summary);
    for (const value of Object.values(pay.params)) {
      assert.equal(await page.locator('dd').getByText(value, { exact: true }).count(), 1, value);
    }
    await enter(page, incorrect);
    await says(page, 'Incorrect PIN. 2 tries left.');
    await enter(page, correct);
    await heading(page, 'Confirmed');

    const approved = await answer;
    assert.deepEqual([approved.status, approved.confirm_url], ['approved', null]);
    const other = await runtime.redeem(asked.id, { ...pay.params, amount: '2500.00' });
    assert.ok(other.status >= 400, 'other params than the confirmed ones were redeemed');
    const redeemed = await runtime.redeem(asked.id, pay.params);
    assert.deepEqual([redeemed.status, redeemed.body.status], [200, 'redeemed']);
    assert.ok((await runtime.redeem(asked.id, pay.params)).status >= 400, 'redeemed twice');

    await page.reload();
    await heading(page, 'Confirmed');
    assert.equal(await page.getByText('250.00').count(), 0);
    if (how === 'with') {
      assert.deepEqual(await left(page), []);
      assert.deepEqual(await faults([refusal(403, 'POST', asked.confirm_url)]), []);
    }
  });

  stage.test(`a PIN is chosen, and confirms, ${how} scripts`, async (t) => {
    const runtime = await startRuntime(stage.server);
    const link = await runtime.pinLink();
    const { page, faults } = await stage.visit(t, link.url, screen);
    await heading(page, 'Choose your PIN');
    const set = async (pin, again) => {
      await page.locator('#pin').fill(pin);
      await page.locator('#again').fill(again);
      await page.getByRole('button', { name: 'Set PIN' }).click();
    };
    await set('123456', '123456');
    await says(page, 'too easy to guess');
    await set(correct, incorrect);
    await says(page, 'The two PINs are not the same.');
    await set(correct, correct);
    await heading(page, 'Your PIN is set');
    const { has_pin, set_by } = await runtime.pinStatus();
    assert.deepEqual([has_pin, set_by], [true, 'holder']);
    if (how === 'with') {
      const refused = refusal(422, 'POST', link.url);
      assert.deepEqual(await faults([refused]), []);
    }

    const asked = await runtime.ask(pay);
    await page.goto(asked.confirm_url);
    await enter(page, correct);
    await heading(page, 'Confirmed');
    assert.equal((await runtime.redeem(asked.id, pay.params)).status, 200);
  });
}

stage.test('declined and disputed', async (t) => {
  const runtime = await startRuntime(stage.server, { pin: correct });
  for (const name of ['Decline', 'I did not ask for this']) {
    const asked = await runtime.ask(pay);
    const answer = runtime.wait(asked.id);
    const { page } = await stage.visit(t, asked.confirm_url, phone);
    await page.getByRole('button', { name }).click();
    await heading(page, 'Declined');
    const { status, reason } = await answer;
    assert.deepEqual([status, reason], ['declined', 'holder']);
    assert.ok((await runtime.redeem(asked.id, pay.params)).status >= 400);
  }
});

stage.test('the third incorrect PIN declines', async (t) => {
  const runtime = await startRuntime(stage.server, { pin: correct });
  const asked = await runtime.ask(pay);
  const { page } = await stage.visit(t, asked.confirm_url, phone);
  for (const tries of ['2 tries left.', '1 try left.']) {
    await enter(page, incorrect);
    await says(page, tries);
  }
  await enter(page, incorrect);
  await heading(page, 'Declined');
  const { status, reason } = await runtime.wait(asked.id);
  assert.deepEqual([status, reason], ['declined', 'wrong_pin']);
});

stage.test('a question that has expired is not shown', async (t) => {
  const runtime = await startRuntime(stage.server, { pin: correct });
  const asked = await runtime.ask(pay, { expires_in_seconds: 1 });
  assert.equal((await runtime.wait(asked.id)).status, 'expired');
  const { page, faults } = await stage.visit(t, asked.confirm_url, phone);
  await heading(page, 'Expired');
  assert.equal(await page.getByText('250.00').count(), 0);
  assert.deepEqual(await faults([refusal(410, 'GET', asked.confirm_url)]), []);
});

stage.test('a changed link is no link', async (t) => {
  const runtime = await startRuntime(stage.server, { pin: correct });
  const { confirm_url: url } = await runtime.ask(pay);
  const changed = url.slice(0, -2) + (url.at(-2) === 'A' ? 'B' : 'A') + url.at(-1);
  const elsewhere = url.replace('/confirm/', '/set-pin/');
  const { page, faults } = await stage.visit(t, changed, phone);
  await heading(page, 'Page not found');
  await page.goto(elsewhere);
  await heading(page, 'Page not found');
  assert.deepEqual(await faults([refusal(404, 'GET', changed), refusal(404, 'GET', elsewhere)]), []);
});

stage.test('the form of another site decides nothing and uses no try', async (t) => {
  const runtime = await startRuntime(stage.server, { pin: correct });
  const asked = await runtime.ask(pay);
  const forms = [{ decision: 'confirm', pin: correct }, { decision: 'confirm', pin: incorrect }, { decision: 'decline' }];
  for (const headers of [{ origin: 'https://example.invalid' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }]) {
    for (const form of forms) {
      assert.equal(await post(asked.confirm_url, headers, form), 403, JSON.stringify([headers, form]));
    }
  }
  const fields = Object.entries(forms[0]).map(([name, value]) => `<input name="${name}" value="${value}">`);
  const other = http.createServer((request, response) => {
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<!doctype html><title>other</title><form method="post" action="${asked.confirm_url}">${fields.join('')}</form>`);
  });
  await new Promise((done) => other.listen(0, '127.0.0.1', done));
  t.after(() => other.close());
  const { page } = await stage.visit(t, `http://127.0.0.1:${other.address().port}/`, phone);
  await page.evaluate(() => document.forms[0].submit());
  await heading(page, 'Form not accepted');

  await page.getByRole('link', { name: 'Back to the page' }).click();
  await enter(page, incorrect);
  await says(page, 'Incorrect PIN. 2 tries left.');
  await enter(page, correct);
  await heading(page, 'Confirmed');
});

stage.test('markup, bidi characters and long values are shown as text', async (t) => {
  const runtime = await startRuntime(stage.server, { pin: correct });
  // The server takes no summary with a character that nobody sees; params may have them.
  assert.equal(await runtime.askStatus({ ...pay, summary: 'Pay \u202e00.052\u202c' }), 422);
  const summary = 'Pay <b>5</b> <script>document.title = "run"</script>';
  const params = {
    '</dl><h1>Confirmed</h1>': '<img src="http://example.invalid/x.png" onerror="document.title = \'run\'">',
    to: 'a\u200bb\u2066c',
    note: `${'0123456789'.repeat(999)}the end.`,
  };
  const asked = await runtime.ask({ summary, params });
  const { page, faults } = await stage.visit(t, asked.confirm_url, phone);
  await heading(page, 'The agent asks to:');
  assert.equal(await page.locator('blockquote').textContent(), summary);
  assert.equal(await page.locator('main img, main script, main blockquote b, main h1 ~ h1').count(), 0);
  assert.equal(await page.locator('#pin').count(), 0, 'the PIN field is on a folded page');
  await page.getByRole('link', { name: 'Show everything' }).click();
  await page.locator('#pin').waitFor();
  const text = await page.locator('main').textContent();
  assert.equal(/[\u200b\u202a-\u202e\u2066-\u2069]/.test(text), false, 'an invisible character is in the page');
  for (const part of ['aU+200BbU+2066c', '<img src="http://example.invalid/x.png"', '0123456789the end.']) {
    assert.ok(text.includes(part), part);
  }
  assert.doesNotMatch(await page.title(), /run/);
  assert.deepEqual(await sideways(page), []);
  assert.deepEqual(await axeFinds(page), []);
  await picture(page, 'person-hostile', { fullPage: true });
  await enter(page, correct);
  await heading(page, 'Confirmed');
  assert.equal((await runtime.redeem(asked.id, params)).status, 200);
  assert.deepEqual(await faults(), []);
});

stage.test('a link that was used, replaced, removed or has expired sets no PIN', async (t) => {
  const runtime = await startRuntime(stage.server);
  const replaced = await runtime.pinLink();
  const { page, faults } = await stage.visit(t, replaced.url, phone);
  await heading(page, 'Choose your PIN');
  const expected = [];
  const isOver = async (link) => {
    expected.push(refusal(410, 'GET', link.url), refusal(410, 'POST', link.url));
    await page.goto(link.url);
    await heading(page, 'This link has ended');
    assert.equal(await sendLate(page), 410);
  };

  const removed = await runtime.pinLink();
  await isOver(replaced);
  await runtime.endPINLinks();
  await isOver(removed);
  assert.equal((await runtime.pinStatus()).has_pin, false);

  const used = await runtime.pinLink();
  await page.goto(used.url);
  await page.locator('#pin').fill(correct);
  await page.locator('#again').fill(correct);
  await page.getByRole('button', { name: 'Set PIN' }).click();
  await heading(page, 'Your PIN is set');
  assert.equal(await sendLate(page), 410);
  expected.push(refusal(410, 'POST', used.url));

  await sleep(Math.max(0, Date.parse(brief.expires_at) - Date.now()) + 500);
  await isOver(brief);
  assert.deepEqual(await faults(expected), []);

  const asked = await runtime.ask(pay);
  await page.goto(asked.confirm_url);
  await enter(page, '739182');
  await says(page, 'Incorrect PIN.');
});

/** Sends the form of whoever opened the set-pin page in time, and returns the status. */
function sendLate(page) {
  return page.evaluate(async () => {
    const body = new URLSearchParams({ pin: '739182', pin_again: '739182' });
    const response = await fetch(location.href, { method: 'POST', body });
    await response.text();
    return response.status;
  });
}

/** Sends a form as a browser would that says these headers, and returns the status. */
async function post(url, headers, form) {
  const body = new URLSearchParams(form).toString();
  const type = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length };
  const response = await new Promise((done, failed) => {
    http.request(url, { method: 'POST', headers: { ...type, ...headers } }, done).on('error', failed).end(body);
  });
  response.resume();
  return response.statusCode;
}
