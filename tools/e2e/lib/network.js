// The two proxies that the tests put around the browser.
import http from 'node:http';

const loopback = '127.0.0.1';

async function listen(server) {
  await new Promise((done, failed) => server.once('error', failed).listen(0, loopback, done));
  const stop = () =>
    new Promise((done) => {
      server.close(done);
      server.closeAllConnections();
    });
  return { origin: `http://${loopback}:${server.address().port}`, stop };
}

function forward(request, response, target, change) {
  const outgoing = http.request(target, { method: request.method, headers: request.headers }, (incoming) => {
    if (change) {
      change(incoming, response);
      return;
    }
    response.writeHead(incoming.statusCode, incoming.headers);
    incoming.pipe(response);
  });
  outgoing.on('error', () => response.destroy());
  response.on('close', () => outgoing.destroy());
  request.pipe(outgoing);
}

/**
 * The only way out of the browser: it writes down each origin that is asked for,
 * passes on what goes to this machine, and refuses the rest.
 * @returns {Promise<{origin: string, asked: string[], stop: () => Promise<void>}>}
 */
export async function startWayOut() {
  const asked = [];
  const server = http.createServer((request, response) => {
    const url = URL.canParse(request.url) ? new URL(request.url) : undefined;
    asked.push(url?.origin ?? request.url);
    if (url?.protocol !== 'http:' || url.hostname !== loopback) {
      response.writeHead(502).end();
      return;
    }
    delete request.headers['proxy-connection'];
    forward(request, response, url);
  });
  // A tunnel is for TLS or a WebSocket, and no page here has a use for either.
  server.on('connect', (request, socket) => {
    asked.push(`tunnel://${request.url}`);
    socket.on('error', () => {});
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  return { asked, ...(await listen(server)) };
}

/**
 * A gateway as operators put before the server: it has the server below a path
 * prefix, and the prefix does not reach the server. What is asked outside the
 * prefix gets a 404.
 * @param {string} upstream the server's origin
 * @param {string} prefix such as "/some/prefix"
 * @param {{html?: (page: string) => string, policy?: boolean}} [tamper] changes
 *   pages on their way, and with `policy: false` takes their policy off
 */
export async function startGateway(upstream, prefix, tamper) {
  const server = http.createServer((request, response) => {
    if (!request.url.startsWith(`${prefix}/`)) {
      response.writeHead(404).end('outside the prefix');
      return;
    }
    const target = new URL(upstream + request.url.slice(prefix.length));
    if (!tamper) {
      forward(request, response, target);
      return;
    }
    request.headers['accept-encoding'] = 'identity';
    forward(request, response, target, (incoming, changed) => {
      const { 'content-length': _, 'content-security-policy': policy, ...headers } = incoming.headers;
      if (policy && tamper.policy !== false) headers['content-security-policy'] = policy;
      changed.writeHead(incoming.statusCode, headers);
      if (!headers['content-type']?.startsWith('text/html') || !tamper.html) {
        incoming.pipe(changed);
        return;
      }
      let page = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk) => (page += chunk));
      incoming.on('end', () => changed.end(tamper.html(page)));
    });
  });
  return listen(server);
}
