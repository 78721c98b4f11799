/**
 * `<story-widget src="https://widgets.example/s/CODE" token="TOKEN">`: the widget in a page.
 *
 * @import {State} from "./types"
 */
import { TOOLS, fetchPart } from "./desk.js";
import { discussionOf } from "./discussion.js";
import { h, write } from "./dom.js";
import { parse } from "./text.js";
import css from "./style.css";
import { viewOf } from "./view.js";
import { ENGLISH, languageOf, learn, speaker } from "./words.js";

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
  static observedAttributes = ["src", "token", "lang"];

  /** @type {(() => void) | null} */
  #stop = null;
  /** @type {ReturnType<typeof viewOf> | null} */
  #view = null;
  /** @type {import("./words").Say | undefined} */
  #say;
  /** @type {import("./words").Words} */
  #words = ENGLISH;
  /** @type {import("./types").Trouble | null} */
  #why = null;
  /** @type {import("./discussion").Discussion | undefined} */
  #story;
  #slot = h("slot");
  #note = h("p", { class: "widget note", hidden: true, role: "status" });

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    sheet ??= new CSSStyleSheet();
    root.adoptedStyleSheets = [sheet];
    style(css);
    root.append(this.#slot, this.#note);
  }

  connectedCallback() {
    this.#start();
  }

  disconnectedCallback() {
    // An element that is only moved comes back in the same task.
    queueMicrotask(() => this.isConnected || this.#end());
  }

  attributeChangedCallback() {
    if (!this.#stop) return;
    this.#end();
    this.#start();
  }

  /** Asks now for what changed. */
  refresh() {
    this.#story?.poll();
  }

  #start() {
    const place = whereTo(this.getAttribute("src"));
    if (this.#stop || !place) return;
    const near = new IntersectionObserver(
      (entries) => {
        // A link to a comment is followed wherever the widget is.
        if (!entries.some((entry) => entry.isIntersecting || /^#c-/.test(location.hash))) return;
        near.disconnect();
        const { server, code } = place;
        const token = this.getAttribute("token");
        const story = discussionOf(server, code, token, this.getAttribute("identity"));
        this.#story = story;
        const draw = () => this.#draw(story, story.state, server);
        const words = (this.#words = { ...ENGLISH });
        /** @type {Promise<unknown> | undefined} */
        let missed;
        // One language at a time: nothing is said before it is known which.
        this.#say = undefined;
        const speak = () => {
          if (words !== this.#words) return;
          this.#say = speaker(words, () => {
            // What is rarely said is in the second file. It is fetched once.
            missed ??= fetchPart(server, words, "more").then(
              () => {
                this.#view?.renew();
                draw();
              },
              () => {},
            );
          });
          draw();
        };
        learn(server, words, languageOf(this, token), "1").then(speak, speak);
        this.#stop = story.watch(draw);
      },
      { rootMargin: NEAR },
    );
    near.observe(this);
    this.#stop = () => near.disconnect();
  }

  #end() {
    this.#stop?.();
    this.#stop = null;
    this.#hide();
    this.#note.hidden = true;
  }

  #hide() {
    if (!this.#view) return;
    this.#view.close();
    this.#view.element.replaceWith(this.#slot);
    this.#view = null;
  }

  /** @param {import("./discussion").Discussion} story @param {State} state @param {string} server */
  #draw(story, state, server) {
    const say = this.#say;
    if (!say || !this.#stop) return;
    const { trouble } = state;
    this.#note.hidden = !trouble;
    this.#note.lang = say("lang");
    this.#note.dir = say("dir");
    if (trouble) {
      this.#hide();
      if (this.#why !== trouble) {
        this.#why = trouble;
        write(this.#note, say("unavailable"));
        this.#emit("error", trouble.code);
        // What it is and what to do about it, for the person who pasted it.
        fetchPart(server, this.#words, "more").then(
          ({ why }) =>
            this.#why === trouble && why(this.#note, trouble, say, server, TOOLS, this.#stop),
          () => {},
        );
      }
    } else if (this.#view) this.#view.draw(state);
    else if (state.story) {
      this.#why = null;
      const view = viewOf(
        story,
        say,
        this,
        (name) => fetchPart(server, this.#words, name),
        (type) => this.#emit(type),
        style,
      );
      view.draw(state);
      this.#slot.replaceWith(view.element);
      this.#view = view;
      this.#emit("ready");
      // Names the story where no snippet does it.
      if (!this.firstElementChild) {
        fetchPart(server, this.#words, "more").then(({ credit }) => credit(this, state.story, TOOLS));
      }
    }
  }

  /**
   * Tells the page, without a word about the reader.
   *
   * @param {string} type
   * @param {string} [code] of what went wrong
   */
  #emit(type, code) {
    this.dispatchEvent(
      new CustomEvent("story-widget:" + type, {
        bubbles: true,
        composed: true,
        detail: { story: this.#story?.code, code },
      }),
    );
  }
}

/**
 * The server and the story's code that an address like `https://widgets.example/s/CODE` names.
 *
 * @param {string | null} address
 */
export function whereTo(address) {
  const url = parse(address, location.href);
  const code = /^\/s\/(\w+)\/?$/.exec(url?.pathname ?? "")?.[1];
  return url && code ? { server: url.origin, code } : null;
}
