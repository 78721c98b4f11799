/**
 * What a page's policy forbids, for the person who looks after the page: once, in the console.
 */

/** How long a browser may take to tell, in milliseconds. */
const TIMEOUT_MS = 1_000;

/** @type {Set<string>} */
const told = new Set();

/** One message for each thing to mend. @param {string} text */
export function logOnce(text) {
  if (told.has(text)) return;
  told.add(text);
  console.info("story-widget: " + text);
}

/**
 * What has to be added to the policy if it forbids to ask this server, where the browser tells; else "".
 *
 * @param {string} server
 * @returns {Promise<string>}
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
        const ours = addresses.some((each) => each.startsWith(server) || each.startsWith(socket));
        if (ours) resolve(`connect-src ${server} ${socket}`);
        observer.disconnect();
      },
      { types: ["csp-violation"], buffered: true },
    );
    observer.observe();
  });

/** Where a socket does not open. @param {string} server */
export async function reportBlockedSocket(server) {
  const line = await missingCspSource(server);
  if (line) logOnce(`The page's Content-Security-Policy forbids live updates. Add: ${line}`);
}
