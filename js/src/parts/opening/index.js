/**
 * Lazy part `opening`: opening hours. It changes the mode at each edge by the server's clock, and says in the reader's
 * language and time zone when comments open again.
 *
 * The part `navigation` loads it when the settings carry a mode. Its name contains `op`, so that the first file also
 * loads its strings.
 *
 * @import {ViewContext, OpeningPart, Shared} from "../../part-api"
 * @import {Settings, State} from "../../types"
 */
import { settingsAt } from "./settings-at.js";
import css from "./style.css";

export { STRINGS } from "./strings.js";

/** The page's clock is late by so much on average: the header `Date` has whole seconds, and takes its time. */
const CLOCK_LATE_MS = 700;
/** After the last edge that is known, the server is asked for more within this time. */
const ASK_WITHIN_MS = 60_000;
/** The longest timeout that browsers keep. */
const LONGEST_MS = 2 ** 31 - 1;
const DAY_MS = 864e5;

/**
 * Create the part for a view.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @returns {OpeningPart}
 */
export function open(context, { h }) {
  const { story, t, list, onRender, onClose } = context;
  const widget = /** @type {HTMLElement} */ (list.parentElement);
  const line = h("p", { class: "notice icon-clock", role: "status", part: "notice" });
  let timer = 0;
  /** When the mode changes next, as the server wrote it; null before it is drawn. @type {string | null} */
  let awaited = null;
  /** Whether an edge was known: then the server knows more. */
  let hadEdges = false;
  /** What this copy may do while comments are open. @type {readonly string[]} */
  let granted = [];
  /** What this part has made of it. @type {readonly string[] | undefined} */
  let narrowed;

  const now = () => story.now() + CLOCK_LATE_MS;
  context.style(css);

  /** Return a time as the reader writes it, with its day unless that is today. @param {string} at */
  function whenOf(at) {
    const time = Date.parse(at);
    const today = new Date(time).toDateString() === new Date().toDateString();
    return new Intl.DateTimeFormat(t("lang"), {
      hour: "numeric",
      minute: "2-digit",
      ...(!today && { weekday: "long" }),
      ...(time - now() > 6 * DAY_MS && { day: "numeric", month: "long" }),
    }).format(time);
  }

  /** Whether the reader has typed a comment or an answer that is not sent. */
  const hasDraft = () =>
    [...widget.querySelectorAll("textarea")].some((each) => each.value.trim() && each.closest(".composer"));

  /** Return the line that says what readers can do now, or "". @param {Settings} settings */
  function text({ mode, opens_at }) {
    const when = opens_at ? whenOf(opens_at) : "";
    if (mode === "approval") return when ? t("moderatedUntil", { when }) : t("moderated");
    if (mode !== "closed") return "";
    return (when ? t("shutUntil", { when }) : t("shut")) + (hasDraft() ? " " + t("draftKept") : "");
  }

  /** @param {State} state */
  function draw(state) {
    const { story: facts, read_only } = state;
    const settings = settingsAt(state.settings, now());
    const closed = settings.mode === "closed";
    if (state.can !== narrowed) granted = state.can.includes("comment") ? state.can : (state.granted ?? state.can);
    const can = closed ? granted.filter((each) => each !== "comment") : granted;
    const same = String(can) === String(state.can);
    // It draws again with them.
    if (settings !== state.settings || !same) {
      narrowed = same ? state.can : can;
      return story.set({ settings, can: narrowed });
    }
    narrowed = state.can;
    wait(settings.edges?.[0]?.at ?? "");
    const shown = granted.includes("comment") && !facts?.closed && !read_only ? text(settings) : "";
    if (line.textContent !== shown) line.textContent = shown;
    // Before the reason why readers cannot write: the composer behind it is hidden by its place.
    if (!line.isConnected) widget.querySelector(".bar ~ .notice")?.before(line);
    // Answers and edits keep their text, and are shown again.
    for (const form of list.querySelectorAll(".composer")) /** @type {HTMLElement} */ (form).hidden = closed;
  }

  /** Draw again at an edge; after the last one that is known, ask for more. @param {string} at */
  function wait(at) {
    if (at === awaited) return;
    awaited = at;
    clearTimeout(timer);
    if (at) timer = setTimeout(again, Math.min(Date.parse(at) - now(), LONGEST_MS));
    else if (hadEdges) timer = setTimeout(() => story.poll(), Math.random() * ASK_WITHIN_MS);
    hadEdges = !!at;
  }

  function again() {
    awaited = null;
    draw(story.state);
  }

  const end = new AbortController();
  // A page that slept has missed its timers.
  document.addEventListener("visibilitychange", again, { signal: end.signal });
  context.onClose = () => {
    onClose?.();
    clearTimeout(timer);
    end.abort();
  };
  context.onRender = (state) => {
    onRender?.(state);
    draw(state);
  };
  draw(story.state);
  return {};
}
