/**
 * Console messages for the page's owner, above all about its Content-Security-Policy (CSP). Each message is logged once.
 */

/** Time in milliseconds in which the browser reports a violation. */
const TIMEOUT_MS = 1_000;

/** @type {Set<string>} */
const logged = new Set();

/** Log a message to the console, once per page. @param {string} text */
export function logOnce(text) {
  if (logged.has(text)) return;
  logged.add(text);
  console.info("story-widget: " + text);
}

/**
 * Return the CSP directive that the page lacks for requests to this server.
 *
 * @param {string} server
 * @returns {Promise<string>} "" if nothing is missing, or if the browser has no `ReportingObserver`
 */
export const missingCspSource = (server) =>
  new Promise((resolve) => {
    const socket = server.replace(/^http/, "ws");
    const { ReportingObserver } = /** @type {any} */ (globalThis);
    setTimeout(resolve, TIMEOUT_MS, "");
    if (!ReportingObserver) return;
    const observer = new ReportingObserver(
      (/** @type {any[]} */ reports) => {
        const addresses = reports.map(({ body }) => String(body.blockedURL));
        const isBlocked = addresses.some((each) => each.startsWith(server) || each.startsWith(socket));
        if (isBlocked) resolve(`connect-src ${server} ${socket}`);
        observer.disconnect();
      },
      { types: ["csp-violation"], buffered: true },
    );
    observer.observe();
  });

/** Log the missing CSP directive if the policy blocks the socket. @param {string} server */
export async function reportBlockedSocket(server) {
  const line = await missingCspSource(server);
  if (line) logOnce(`The page's Content-Security-Policy forbids the WebSocket. Add: ${line}`);
}
