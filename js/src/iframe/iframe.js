/**
 * Script of the iframe page: post its height to the embedding page, in the message formats of common hosts, and open links
 * outside of the iframe.
 *
 * The height is not secret, so the target origin is `*`. Nothing here may throw in a sandboxed iframe.
 */

// WordPress gives each iframe a secret of ten characters and ignores messages without it.
const secret = /secret=(\w{10})/.exec(location.hash)?.[1];
const { code } = document.body.dataset;
let last = 0;

/** @param {unknown} message */
const post = (message) => parent.postMessage(message, "*");

function postHeight() {
  // Measure the content, not the window: the value must not grow with the iframe.
  const height = Math.ceil(document.body.getBoundingClientRect().height);
  if (height === last) return;
  last = height;
  post({ message: "height", value: height, secret });
  post(JSON.stringify({ src: `${location.origin}/e/${code}`, context: "iframe.resize", height }));
  post({ type: "story-widget:height", height, code });
}

/** @param {Event} event */
function onLinkClick(event) {
  const link = event.composedPath().find((each) => each instanceof HTMLAnchorElement);
  if (!link || link.target || event.defaultPrevented || link.hash === link.getAttribute("href")) return;
  // WordPress opens a link in the whole window on request, but only to the server of the iframe.
  if (secret && link.host === location.host) {
    event.preventDefault();
    post({ message: "link", value: link.href, secret });
  } else link.target = "_blank";
}

if (parent !== window) {
  // WordPress hides the iframe until it has a message, and browsers observe no size in a hidden iframe.
  postHeight();
  new ResizeObserver(postHeight).observe(document.body);
  addEventListener("message", ({ data }) => {
    // WordPress loads its script after the iframe, and then asks for the height.
    if (data?.message === "ready") {
      last = 0;
      postHeight();
    }
  });
  addEventListener("click", onLinkClick);
}
