// What every test file needs: a server, a browser and its way out, started before
// its tests and stopped after them.
import { after, before, test } from 'node:test';
import { screens, stalled, startBrowser, visit } from './browser.js';
import { startGateway, startWayOut } from './network.js';
import { startServer } from './server.js';

/**
 * Sets the stage for a test file.
 * @param {() => Promise<{origin: string, stop: () => Promise<void>}>} [startIt] what is looked at
 */
export function setStage(startIt = startServer) {
  const stage = {};
  const started = [];
  const start = async (starting, stop = 'stop') => {
    const one = await starting;
    started.push(() => one[stop]());
    return one;
  };
  before(async () => {
    stage.server = await start(startIt());
    stage.wayOut = await start(startWayOut());
    stage.browser = await start(startBrowser(), 'close');
  });
  after(async () => {
    for (const stop of started.reverse()) await stop();
  });

  /** Puts a gateway before the server for one test. */
  stage.gateway = async (t, prefix, tamper) => {
    const gateway = await startGateway(stage.server.origin, prefix, tamper);
    t.after(gateway.stop);
    return gateway.origin + prefix;
  };
  /** Opens a page for one test. */
  stage.visit = async (t, url, screen = screens.desktop) => {
    const one = await visit(stage.browser, stage.wayOut, url, screen);
    t.after(one.close);
    stage.pages.push(one.page);
    return one;
  };
  /**
   * A test that looks at pages. It is run once more when it failed and Chromium
   * had stopped drawing one of them; every other failure counts.
   */
  stage.test = (name, look) =>
    test(name, { timeout: 300_000 }, async (t) => {
      stage.pages = [];
      try {
        await look(t);
      } catch (error) {
        if (!(await Promise.all(stage.pages.map(stalled))).includes(true)) throw error;
        t.diagnostic(`Chromium stopped drawing a page, so once more: ${error.message}`);
        await look(t);
      }
    });
  return stage;
}
