/**
 * `<story-widget src="https://widgets.example/s/CODE" token="TOKEN">`: the widget in a page.
 */
import { shared, fetchPart } from "./part-api.js";
import { importPartWithRetry } from "./parts.js";
import { getDiscussion } from "./discussion.js";
import { h } from "./dom.js";
import { COMMENT, parseStoryUrl } from "./view/comment-text.js";
import css from "./style.css";
import { viewOf } from "./view/index.js";
import { STRINGS, resolveLanguage, loadLocale, createTranslator } from "./i18n.js";

/** Drawn before it is seen, asked for only if it may be seen. */
const NEAR = "800px";

/** One for all widgets of the page. @type {CSSStyleSheet | undefined} */
let sheet;
let styles = "";
/** @param {string} more what a part brings */
function style(more) {
  if (styles.includes(more)) return;
  styles += more;
  sheet?.replaceSync(styles);
}

export class StoryWidget extends HTMLElement {
  static observedAttributes = ["src", "token", "lang", "identity"];

  /** Servers that the page has this file from. @type {string[]} */
  static homes = [];

  /** The links that it stands for. @type {HTMLElement[]} */
  links = [];

  #root = this.attachShadow({ mode: "open" });
  /** @type {ReturnType<typeof mount> | null | undefined} */
  #shown;

  constructor() {
    super();
    sheet ??= new CSSStyleSheet();
    this.#root.adoptedStyleSheets = [sheet];
    style(css);
    this.#root.append(h("slot"));
  }

  connectedCallback() {
    const place = parseStoryUrl(this.getAttribute("src"));
    if (place) this.#shown ??= mount(this, this.#root, place);
  }

  disconnectedCallback() {
    // An element that is only moved comes back in the same task.
    queueMicrotask(() => this.isConnected || this.#end());
  }

  /** @param {string} name @param {string | null} _ @param {string | null} value */
  attributeChangedCallback(name, _, value) {
    if (!this.#shown) return;
    if (name === "identity") return this.#shown.refresh(value);
    this.#end();
    this.connectedCallback();
  }

  /** Asks now for what changed. */
  refresh() {
    this.#shown?.refresh();
  }

  #end() {
    this.#shown?.end();
    this.#shown = null;
  }
}

/**
 * Shows a story in an element until `end` is called.
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
  /** @type {(() => void) | undefined} */
  let stop;
  /** @type {ReturnType<typeof viewOf> | undefined} */
  let view;
  /** @type {import("./types").DisplayError | undefined} */
  let shownError;
  const words = { ...STRINGS };
  /** Nothing is said before it is known in which language. @type {import("./i18n").Translate | undefined} */
  let t;
  /** @type {Promise<unknown> | undefined} */
  let missed;

  const near = new IntersectionObserver(
    (entries) => {
      // A link to a comment is followed wherever the widget is.
      if (!entries.some((entry) => entry.isIntersecting || COMMENT.test(location.hash))) return;
      near.disconnect();
      const token = host.getAttribute("token");
      story = getDiscussion(server, code, token, host.getAttribute("identity"));
      loadLocale(server, words, resolveLanguage(host, token), "1").then(onStringsLoaded, onStringsLoaded);
      stop = story.subscribe(draw);
    },
    { rootMargin: NEAR },
  );
  root.replaceChildren(slot, note);
  near.observe(host);

  function onStringsLoaded() {
    t = createTranslator(words, () => {
      // What is rarely said is in the second file. It is fetched once.
      missed ??= more(() => {
        view?.self.renew();
        draw();
      });
    });
    draw();
  }

  /** @param {keyof import("./part-api").Parts} name */
  const part = (name) => fetchPart(server, words, name);

  /** What need not succeed. @param {(part: any) => void} work */
  const more = (work) => part("more").then(work).catch(() => {});

  function draw() {
    if (!t || !story) return;
    const { state } = story;
    const { error } = state;
    note.hidden = !error;
    note.lang = t("lang");
    note.dir = t("dir");
    if (error) {
      hide();
      if (shownError === error) return;
      shownError = error;
      note.textContent = t("unavailable");
      emit("error", error.code);
      // What it is and what to do about it, for the person who pasted it.
      more((part) => shownError === error && part.showErrorDetails(note, error, t, server, shared, stop));
    } else if (view) view.draw(state);
    else if (state.story) {
      shownError = undefined;
      view = viewOf(story, t, host, part, emit, style);
      view.draw(state);
      slot.replaceWith(view.element);
      stand(true);
      emit("ready");
      // What may come after the first paint; the part is on its way for its socket.
      const shown = view;
      importPartWithRetry(server, "connection").then((part) => view === shown && part.complete(shown.self, host, shared));
    }
  }

  /** Where a discussion is shown, the link to it is not. @param {boolean} shown */
  function stand(shown) {
    // In brackets: the build shortens a member of ours that is called like that.
    for (const link of host.links) link["style"].display = shown ? "none" : "";
  }

  function hide() {
    view?.close();
    view?.element.replaceWith(slot);
    view = undefined;
    stand(false);
  }

  /**
   * Tells the page, without a word about the reader.
   *
   * @param {string} type
   * @param {string} [trouble]
   */
  function emit(type, trouble) {
    host.dispatchEvent(
      new CustomEvent("story-widget:" + type, {
        bubbles: true,
        composed: true,
        detail: { story: code, code: trouble },
      }),
    );
  }

  return {
    /** @param {string | null} [identity] who the reader is, as the page now says */
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
