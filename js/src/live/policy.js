/**
 * What a page's policy forbids, for the person who looks after the page: once, in the console.
 */

/** @type {Set<string>} */
const told = new Set();

/** One message for each thing to mend. @param {string} text */
export function inform(text) {
  if (told.has(text)) return;
  told.add(text);
  console.info("story-widget: " + text);
}

/**
 * Calls `act` with what has to be added to the policy if it forbids to ask this server, where the browser tells.
 *
 * @param {string} server
 * @param {(line: string) => void} act
 */
export function ifForbidden(server, act) {
  const socket = server.replace(/^http/, "ws");
  const { ReportingObserver } = /** @type {any} */ (globalThis);
  if (!ReportingObserver) return;
  const observer = new ReportingObserver(
    (/** @type {any[]} */ reports) => {
      const addresses = reports.map(({ body }) => String(body.blockedURL));
      const ours = addresses.some((each) => each.startsWith(server) || each.startsWith(socket));
      if (ours) act(`connect-src ${server} ${socket}`);
      observer.disconnect();
    },
    { types: ["csp-violation"], buffered: true },
  );
  observer.observe();
}

/** Where a socket does not open. @param {string} server */
export const blocked = (server) =>
  ifForbidden(server, (line) =>
    inform(`The page's Content-Security-Policy forbids live updates. Add: ${line}`),
  );
