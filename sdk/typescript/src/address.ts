/** Whether a host name of a URL is this machine's own. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/**
 * Reads the address of a server. It must be https, or http on a loopback address: a PIN and a key must not cross a
 * network in the clear, and an answer from there could be forged.
 */
export function serverAddress(text: string, allowInsecureTransport: boolean): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TypeError("baseUrl is not an absolute URL");
  }
  // URL forgives backslashes, and a bare ? or #: what is refused here must not depend on the reader.
  if (!/^https?:\/\/[^\\?#@\s]+$/i.test(text)) {
    throw new TypeError("baseUrl is not an http or https URL without query, fragment and user");
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname) && !allowInsecureTransport) {
    throw new TypeError(
      "baseUrl is plain http to another machine: use https, or set allowInsecureTransport where the network itself is trusted",
    );
  }
  return url.href.replace(/\/+$/, "");
}
