// A hydrapin server of its own, in a folder of its own, on a free port.
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const binary = resolve(process.env.HYDRAPIN_BIN ?? join(import.meta.dirname, '../../../bin/hydrapin'));

/**
 * Starts the server and waits for its greeting, which comes once requests are
 * answered.
 * @returns {Promise<{origin: string, key: string, token: () => Promise<string>,
 *   runtimeKey: (instance: string) => Promise<string>, stop: () => Promise<void>}>}
 */
export async function startServer() {
  const folder = await mkdtemp(join(tmpdir(), 'hydrapin-e2e-'));
  // The server refuses a setting that it does not know, HYDRAPIN_BIN among them.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('HYDRAPIN_'));
  const env = {
    ...Object.fromEntries(inherited),
    HYDRAPIN_DATA_DIR: join(folder, 'data'),
    HYDRAPIN_ADDR: '127.0.0.1:0',
    HYDRAPIN_RATE_PER_KEY: '0',
    HYDRAPIN_RATE_PER_ADDRESS: '0',
  };
  const child = spawn(binary, ['serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk) => (log += chunk));
  const ended = new Promise((done) => {
    child.once('error', (error) => {
      log += error.message;
      done();
    });
    child.once('exit', done);
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };

  const greeting = {};
  const greeted = new Promise((done) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, name, value] = /^ {2}(tenant|key|docs) +(\S+)$/.exec(line) ?? [];
      if (name) greeting[name] = value;
      if (greeting.tenant && greeting.key && greeting.docs) done();
    });
  });
  await Promise.race([greeted, ended]);
  if (!greeting.docs) {
    await stop();
    throw new Error(`${binary} serve ended without a greeting (make build makes it, HYDRAPIN_BIN names another):\n${log}`);
  }
  const command = async (...args) => {
    const { stdout } = await promisify(execFile)(binary, [...args, '--tenant', greeting.tenant], { env });
    return stdout.trim();
  };
  return {
    origin: new URL(greeting.docs).origin,
    key: greeting.key,
    token: () => command('token', '--admin'),
    runtimeKey: (instance) => command('keys', 'create', '--instance', instance),
    stop,
  };
}
