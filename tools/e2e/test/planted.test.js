// A test of the tests: what the others must not find is put into the page, and
// has to be found.
import assert from 'node:assert/strict';
import { left, stalled } from '../lib/browser.js';
import { setStage } from '../lib/stage.js';

const stage = setStage();
const prefix = '/tampered';
const intoBody = (what) => (page) => page.replace('</body>', `${what}</body>`);

for (const path of ['/docs', '/redoc']) {
  stage.test(`${path}: a foreign host is found, and the policy is what stops it`, async (t) => {
    const image = '<img src="http://example.invalid/x.png">';
    for (const policy of [true, false]) {
      const base = await stage.gateway(t, prefix, { html: intoBody(image), policy });
      const { page, faults } = await stage.visit(t, base + path);
      await page.waitForFunction(() => document.images[0]?.complete);
      const found = (await faults()).join('\n');
      if (policy) {
        assert.match(found, /^policy violated: img-src by http:\/\/example\.invalid\/x\.png/m);
        assert.doesNotMatch(found, /^at the network/m);
      } else {
        assert.match(found, /^asked for http:\/\/example\.invalid\/x\.png$/m);
        assert.match(found, /^at the network: http:\/\/example\.invalid$/m);
      }
    }
  });

  stage.test(`${path}: an inline script is found and does not run`, async (t) => {
    const html = intoBody('<script>window.planted = true</script>');
    const { page, faults } = await stage.visit(t, (await stage.gateway(t, prefix, { html })) + path);
    assert.equal(await page.evaluate(() => window.planted), undefined);
    assert.match((await faults()).join('\n'), /^policy violated: script-src-elem by inline/m);
  });

  stage.test(`${path}: a link from the root is found below a prefix`, async (t) => {
    const html = intoBody('<img src="/x.png">');
    const { page, faults } = await stage.visit(t, (await stage.gateway(t, prefix, { html })) + path);
    await page.waitForFunction(() => document.images[0]?.complete);
    assert.match((await faults()).join('\n'), /^refused: 404 GET \/x\.png$/m);
  });
}

stage.test('a foreign host is found in https, a worker and a socket', async (t) => {
  const base = await stage.gateway(t, prefix, { policy: false });
  for (const [what, plant] of Object.entries({
    https: () => fetch('https://example.invalid/').catch(() => {}),
    worker: () =>
      new Promise((done) => {
        const code = "fetch('http://example.invalid/').catch(() => {}).then(() => postMessage(0))";
        new Worker(URL.createObjectURL(new Blob([code]))).onmessage = () => done();
      }),
    socket: () => new Promise((done) => (new WebSocket('ws://example.invalid/').onclose = () => done())),
  })) {
    const { page, faults } = await stage.visit(t, `${base}/docs`);
    await page.evaluate(plant);
    assert.match((await faults()).join('\n'), /^at the network: .*example\.invalid/m, what);
  }
});

stage.test('what a page leaves behind is found', async (t) => {
  const { page } = await stage.visit(t, `${stage.server.origin}/docs`);
  await page.evaluate(async () => {
    localStorage.setItem('a', '1');
    sessionStorage.setItem('b', '2');
    document.cookie = 'c=3';
    await new Promise((done) => (indexedDB.open('d').onsuccess = done));
  });
  assert.deepEqual(await left(page), ['localStorage a', 'sessionStorage b', 'indexedDB d', 'cookie c']);
});

stage.test('a page that is no longer drawn is told from others', async (t) => {
  const { page } = await stage.visit(t, `${stage.server.origin}/docs`);
  assert.equal(await stalled(page), false);
  await page.evaluate(() => (window.requestAnimationFrame = () => 0));
  assert.equal(await stalled(page), true);
});
