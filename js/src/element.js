/**
 * Custom element `<story-widget src="https://widgets.example/s/CODE" token="TOKEN">`: the widget in a page.
 */
import { shared, fetchPart } from "./part-api.js";
import { importPartWithRetry } from "./parts.js";
import { getDiscussion } from "./discussion.js";
import { h } from "./dom.js";
import { COMMENT, parseStoryUrl } from "./view/comment-text.js";
import css from "./style.css";
import { createView } from "./view/index.js";
import { STRINGS, resolveLanguage, loadLocale, createTranslator } from "./i18n.js";

/** The discussion is loaded when the element is closer than this to the viewport. */
const LOAD_MARGIN = "800px";

/** The style sheet shared by all widgets of the page. @type {CSSStyleSheet | undefined} */
let sheet;
let styles = "";
/** Add styles to the shared sheet, once. @param {string} css */
function addStyle(css) {
  if (styles.includes(css)) return;
  styles += css;
  sheet?.replaceSync(styles);
}

export class StoryWidget extends HTMLElement {
  static observedAttributes = ["src", "token", "lang", "identity"];

  /** Origins from which the page loaded an embed script. @type {string[]} */
  static homes = [];

  /** The links of the page that this element replaces. @type {HTMLElement[]} */
  links = [];

  #root = this.attachShadow({ mode: "open" });
  /** @type {ReturnType<typeof mount> | null | undefined} */
  #mounted;

  constructor() {
    super();
    sheet ??= new CSSStyleSheet();
    this.#root.adoptedStyleSheets = [sheet];
    addStyle(css);
    this.#root.append(h("slot"));
  }

  connectedCallback() {
    const place = parseStoryUrl(this.getAttribute("src"));
    if (place) this.#mounted ??= mount(this, this.#root, place);
  }

  disconnectedCallback() {
    // A moved element is connected again in the same task.
    queueMicrotask(() => this.isConnected || this.#end());
  }

  /** @param {string} name @param {string | null} _ @param {string | null} value */
  attributeChangedCallback(name, _, value) {
    if (!this.#mounted) return;
    if (name === "identity") return this.#mounted.refresh(value);
    this.#end();
    this.connectedCallback();
  }

  /** Fetch changes now. */
  refresh() {
    this.#mounted?.refresh();
  }

  #end() {
    this.#mounted?.end();
    this.#mounted = null;
  }
}

/**
 * Show a story in an element until `end` is called.
 *
 * @param {StoryWidget} host
 * @param {ShadowRoot} root
 * @param {{server: string, code: string}} place
 */
function mount(host, root, { server, code }) {
  const slot = h("slot");
  const note = h("p", { class: "widget status-note", hidden: true, role: "status" });
  /** @type {import("./discussion").Discussion | undefined} */
  let story;
  let lang = "";
  /** @type {(() => void) | undefined} */
  let stop;
  /** @type {ReturnType<typeof createView> | undefined} */
  let view;
  /** @type {import("./types").DisplayError | undefined} */
  let shownError;
  const strings = { ...STRINGS };
  /** Undefined until the locale is loaded: nothing is drawn before that. @type {import("./i18n").Translate | undefined} */
  let t;
  /** @type {Promise<unknown> | undefined} */
  let fetchedMore;

  const near = new IntersectionObserver(
    (entries) => {
      // A link to a comment loads the discussion wherever the widget is.
      if (!entries.some((entry) => entry.isIntersecting || COMMENT.test(location.hash))) return;
      near.disconnect();
      const token = host.getAttribute("token");
      lang = resolveLanguage(host, token);
      story = getDiscussion(server, code, token, host.getAttribute("identity"), lang);
      loadLocale(server, strings, lang, "1").then(onStringsLoaded, onStringsLoaded);
      stop = story.subscribe(draw);
    },
    { rootMargin: LOAD_MARGIN },
  );
  root.replaceChildren(slot, note);
  near.observe(host);

  function onStringsLoaded() {
    t = createTranslator(strings, () => {
      // Rarely used strings are in the part `more`. It is fetched once.
      fetchedMore ??= withMore(() => {
        view?.self.redraw();
        draw();
      });
    });
    draw();
  }

  /** @param {keyof import("./part-api").Parts} name */
  const getPart = (name) => fetchPart(server, strings, name);

  /** Run `work` with the part `more`. Failures are ignored. @param {(part: any) => void} work */
  const withMore = (work) => getPart("more").then(work).catch(() => {});

  function draw() {
    if (!t || !story) return;
    const { state } = story;
    const { error } = state;
    note.hidden ||= !error;
    if (error) {
      hide();
      if (shownError === error) return;
      shownError = error;
      // If the server rejects a copy, readers see only the link.
      const hidden = error.code !== "unavailable";
      Object.assign(note, { hidden, lang: t("lang"), dir: t("dir"), textContent: t("unavailable") });
      emit("error", error.code);
      // Cause and remedy for the page's owner, in the console.
      withMore((part) => shownError === error && part.showErrorDetails(note, error, t, server, shared, stop));
    } else if (view) view.draw(state);
    else if (state.story) {
      shownError = undefined;
      view = createView(story, t, lang, host, getPart, emit, addStyle);
      view.draw(state);
      slot.replaceWith(view.element);
      hideLinks(true);
      emit("ready");
      // Styles and listeners that move nothing: applied after the first paint. The socket needs this part anyway.
      const shown = view;
      importPartWithRetry(server, "connection").then((part) => view === shown && part.complete(shown.self, host, shared));
    }
  }

  /** Hide the links to a discussion while it is shown. @param {boolean} hidden */
  function hideLinks(hidden) {
    // In brackets: the build shortens the member name `style` (OURS in build.mjs).
    for (const link of host.links) link["style"].display = hidden ? "none" : "";
  }

  function hide() {
    view?.close();
    view?.element.replaceWith(slot);
    view = undefined;
    hideLinks(false);
  }

  /**
   * Dispatch an event to the page. It carries no data about the reader.
   *
   * @param {string} type
   * @param {string} [errorCode]
   */
  function emit(type, errorCode) {
    host.dispatchEvent(
      new CustomEvent("story-widget:" + type, {
        bubbles: true,
        composed: true,
        detail: { story: code, code: errorCode },
      }),
    );
  }

  return {
    /** @param {string | null} [identity] the page's new identity token */
    refresh: (identity) => story?.loadLivePart().then(() => story?.poll(identity), () => {}),
    end() {
      near.disconnect();
      stop?.();
      hide();
      note.remove();
      story = undefined;
    },
  };
}
