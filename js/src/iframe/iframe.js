/**
 * In a page that is framed: tells the page around it how high it is, in the shapes that hosts know, and lets links lead out
 * of the frame.
 *
 * A height is no secret, so that it goes to anyone who frames us. Nothing here may throw: the frame may be a sandbox.
 */

// WordPress gives each frame ten characters that its messages must carry.
const secret = /secret=(\w{10})/.exec(location.hash)?.[1];
const { code } = document.body.dataset;
let last = 0;

/** @param {unknown} message */
const post = (message) => parent.postMessage(message, "*");

function postHeight() {
  // Of the content, never of the window: what is measured must not grow with the frame.
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
  // WordPress follows a link for us, in the whole window, if it leads to the server the frame is from.
  if (secret && link.host === location.host) {
    event.preventDefault();
    post({ message: "link", value: link.href, secret });
  } else link.target = "_blank";
}

if (parent !== window) {
  new ResizeObserver(postHeight).observe(document.body);
  addEventListener("click", onLinkClick);
}
