// The system's Chromium, with one way out, and a visit that writes down all that
// goes wrong in a page.
import { accessSync, constants, mkdirSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

/** The two screens that the pages are looked at on. */
export const screens = {
  desktop: { viewport: { width: 1280, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};

const pictures = join(import.meta.dirname, '../../../bin/e2e');

// Chromium itself asks here what a form's fields are for, in whatever page. If a
// page asked, its request would still be among those that Chromium reports of it.
const ownErrand = 'tunnel://content-autofill.googleapis.com:443';

// Waits end when what they wait for is there; this is for a machine under load.
const patience = 45_000;

// tools/need.sh looks in the same places.
function findChromium() {
  for (const name of [process.env.CHROMIUM || 'chromium', 'chromium-browser', 'google-chrome']) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const path = resolve(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // The next one may be there.
      }
    }
  }
  throw new Error('no Chromium on PATH (tools/need.sh chromium installs it; CHROMIUM names another)');
}

/**
 * Starts Chromium so that everything fails but what goes through the proxy of a
 * visit, the look-up of a name included: its own errands, such as asking who is
 * signed in, belong to no visit and find no way out.
 */
export async function startBrowser() {
  return chromium.launch({
    executablePath: findChromium(),
    // Chromium's own sandbox does not start as root, or in most containers.
    chromiumSandbox: false,
    proxy: { server: 'http://127.0.0.1:9' },
    timeout: patience,
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
    ],
  });
}

/**
 * Opens a context of its own and one page in it. `faults` then tells what went
 * wrong so far: requests to any origin but the page's, as the proxy and as the
 * page saw them; violations of the policy; errors and warnings on the console;
 * exceptions; and answers of 400 or above that `expected` does not name.
 * @param {import('playwright-core').Browser} browser
 * @param {{origin: string, asked: string[]}} wayOut
 * @param {string} url
 * @param {object} [screen] one of `screens`
 */
export async function visit(browser, wayOut, url, screen = screens.desktop) {
  const { origin } = new URL(url);
  const context = await browser.newContext({
    ...screen,
    proxy: { server: wayOut.origin },
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const from = wayOut.asked.length;
  const seen = [];
  const refusals = [];
  const note = (what) => seen.push(what);

  await page.exposeFunction('violated', (what) => note(`policy violated: ${what}`));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      window.violated(`${event.effectiveDirective} by ${event.blockedURI} in ${event.sourceFile || 'the page'}`);
    });
  });
  context.on('request', (request) => {
    const asked = new URL(request.url());
    // A blob and a data URL are the page's own bytes.
    if (asked.origin !== origin && !['blob:', 'data:'].includes(asked.protocol)) note(`asked for ${asked.href}`);
  });
  context.on('response', (response) => {
    if (response.status() >= 400) {
      refusals.push(`${response.status()} ${response.request().method()} ${new URL(response.url()).pathname}`);
    }
  });
  page.on('pageerror', (error) => note(`exception: ${error.stack ?? error}`));
  page.on('console', (message) => {
    // Chromium says on the console what `refusals` has already.
    if (/^Failed to load resource: the server responded with a status of/.test(message.text())) return;
    if (['error', 'warning', 'assert'].includes(message.type())) note(`console: ${message.text()}`);
  });

  const elsewhere = (asked) => asked !== origin && asked !== ownErrand;
  const faults = async (expected = []) => {
    // What the page has begun may still tell something.
    await page.waitForLoadState('networkidle');
    await page.evaluate(() => new Promise((done) => setTimeout(done, 100)));
    return told(expected);
  };
  const told = (expected) => [
    ...wayOut.asked.slice(from).filter(elsewhere).map((asked) => `at the network: ${asked}`),
    ...seen,
    ...refusals.filter((refusal) => !expected.includes(refusal)).map((refusal) => `refused: ${refusal}`),
    ...expected.filter((refusal) => !refusals.includes(refusal)).map((refusal) => `did not happen: ${refusal}`),
  ];
  await page.goto(url);
  return { page, context, faults, close: () => context.close() };
}

/**
 * Whether Chromium has stopped drawing a page whose scripts still run. Headless
 * Chromium does that to one heavy page in some hundred, for good: it is seen from
 * 148 on, with and without a GPU, and a new page is drawn again.
 */
export async function stalled(page) {
  const late = () => sleep(10_000, 'late', { ref: false });
  const runs = await Promise.race([page.evaluate(() => 'runs').catch(late), late()]);
  if (runs !== 'runs') return false;
  const drawn = page.evaluate(() => new Promise((done) => requestAnimationFrame(() => done('drawn'))));
  return (await Promise.race([drawn.catch(late), late()])) !== 'drawn';
}

/** Names the elements that make the page scroll sideways, if it does. */
export async function sideways(page) {
  return page.evaluate(() => {
    const { width } = window.screen;
    if (document.documentElement.scrollWidth <= width) return [];
    const sticksOut = (element) => element.getBoundingClientRect().right > width;
    // What is in a box of its own that scrolls or clips does not widen the page.
    const boxed = ({ parentElement: box }) =>
      box && (boxed(box) || (getComputedStyle(box).overflowX !== 'visible' && !sticksOut(box)));
    return [...document.body.querySelectorAll('*')]
      .filter((element) => sticksOut(element) && !boxed(element))
      .map((element) => `${element.localName}.${[...element.classList].join('.')}`);
  });
}

/** Names all that the page has left behind in the browser. */
export async function left(page) {
  const inPage = await page.evaluate(async () => [
    ...Object.keys(localStorage).map((key) => `localStorage ${key}`),
    ...Object.keys(sessionStorage).map((key) => `sessionStorage ${key}`),
    ...(await indexedDB.databases()).map(({ name }) => `indexedDB ${name}`),
    ...(await caches.keys()).map((name) => `cache ${name}`),
  ]);
  const cookies = await page.context().cookies();
  return [...inPage, ...cookies.map(({ name }) => `cookie ${name}`)];
}

/** Keeps a picture in bin/e2e for people to look at. */
export async function picture(page, name, options = {}) {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), animations: 'disabled', ...options });
}
