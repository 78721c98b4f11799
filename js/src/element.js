/**
 * `<story-widget src="https://widgets.example/s/CODE" token="TOKEN">`: the widget in a page.
 *
 * @import {State} from "./types"
 */
import { TOOLS, fetchSecond } from "./desk.js";
import { discussionOf } from "./discussion.js";
import { h } from "./dom.js";
import css from "./style.css";
import { viewOf } from "./view.js";
import { ENGLISH, languageOf, learn, speaker } from "./words.js";

/** Drawn before it is seen, asked for only if it may be seen. */
const NEAR = "800px";

/** @type {CSSStyleSheet | undefined} */
let sheet;
function styles() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
  }
  return sheet;
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
  #slot = h("slot");
  #note = h("p", { class: "widget note", hidden: true, role: "status" });

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styles()];
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

  #start() {
    const place = whereTo(this.getAttribute("src"));
    if (this.#stop || !place) return;
    const near = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        near.disconnect();
        const { server, code } = place;
        const token = this.getAttribute("token");
        const story = discussionOf(server, code, token, this.getAttribute("identity"));
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
            missed ??= fetchSecond(server, words).then(
              () => {
                this.#view?.renew();
                draw();
              },
              () => {},
            );
          });
          draw();
        };
        learn(server, words, languageOf(this, token), 1).then(speak, speak);
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
      const { code, detail: why = "" } = trouble;
      this.#note.textContent = code === "unavailable" ? say(code) : say("refused", { why });
      this.#hide();
    } else if (this.#view) this.#view.draw(state);
    else if (state.story) {
      const level = Number(this.getAttribute("heading")) || 2;
      const dir = this.getAttribute("dir") ?? say("dir");
      const view = viewOf(story, say, level, dir, () => fetchSecond(server, this.#words));
      view.draw(state);
      this.#slot.replaceWith(view.element);
      this.#view = view;
      if (!this.firstElementChild) this.#credit(state.story, server);
    }
  }

  /**
   * Names the story where no snippet does it.
   *
   * @param {import("./types").Story} story
   * @param {string} server
   */
  async #credit(story, server) {
    const { credit } = await fetchSecond(server, this.#words);
    if (!this.firstElementChild) this.append(credit(story, TOOLS));
  }
}

/**
 * The server and the story's code that an address like `https://widgets.example/s/CODE` names.
 *
 * @param {string | null} address
 */
export function whereTo(address) {
  try {
    const url = new URL(address ?? "", location.href);
    const code = /^\/s\/(\w+)\/?$/.exec(url.pathname)?.[1];
    return code && /^https?:$/.test(url.protocol) ? { server: url.origin, code } : null;
  } catch {
    return null;
  }
}
