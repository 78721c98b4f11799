/**
 * Lazy part `comment-reactions`: chips with the reactions to a comment, a picker to add one, and links after reacting.
 *
 * @import {ViewContext, CommentHandle, Shared} from "../../part-api"
 */
import { addInvitation } from "./invitation.js";
import css from "./style.css";

/** A comment of one paragraph has twelve elements; chips fill it up to sixteen. */
const MAX_CHIPS = 4;

/** Time in milliseconds without a reply after which a reaction is shown as not sent. */
const LATE_AFTER_MS = 2_000;

/**
 * Create the part for a view.
 *
 * @param {ViewContext} view
 * @param {Shared} tools
 * @returns {import("../../part-api").CommentReactionsPart}
 */
export function open(view, tools) {
  const { story, t, explain, tell } = view;
  const { h, set, button, counts, isAllowed, localText, paintReaction, reactionIcon } = tools;
  /** Chips by reaction. @type {WeakMap<CommentHandle, Map<string, HTMLElement>>} */
  const chips = new WeakMap();
  /** Function that closes the open picker. @type {((back?: boolean) => void) | undefined} */
  let close;
  view.style(css);
  addInvitation(view, tools);

  /** Whether a message is shown because a reaction is not sent. */
  let warned = false;
  const isUnsent = () => Object.keys(story.storage().unsent ?? {}).some((target) => target.startsWith(story.code + " "));

  function warnIfUnsent() {
    if (isUnsent()) tell(t("unsure"), (warned = true));
  }
  // Reactions that were chosen before the page was left may still have no reply.
  setTimeout(warnIfUnsent, LATE_AFTER_MS);

  /** Draw the chips of a comment: at most four, the reader's own always. @param {CommentHandle} handle */
  function draw(handle) {
    if (warned && !isUnsent()) tell("", (warned = false));
    const { comment, foot, article } = handle;
    const { state } = story;
    const n = counts(comment);
    const own = state.mine.reactions[comment.id];
    /** @param {string} key */
    const rank = (key) => (key === own ? Infinity : n[key] ?? 0);
    const facts = article.querySelectorAll(".state, .badge, .byline > span:not(.badge), bdi a").length;
    const reactions = state.settings?.reactions ?? [];
    const shown = reactions
      .map(({ key }) => key)
      .filter((key) => comment.state === "published" && rank(key) > 0)
      .sort((a, b) => rank(b) - rank(a))
      .slice(0, Math.max(1, MAX_CHIPS - facts));
    let known = chips.get(handle);
    if (!known) {
      chips.set(handle, (known = new Map()));
      foot["style"].removeProperty("--chips");
      const before = handle.onRender;
      handle.onRender = () => {
        before?.();
        draw(handle);
      };
    }
    for (const [key, chip] of known) if (!shown.includes(key)) chip.remove();
    const first = foot.querySelector(".action");
    for (const key of shown) {
      const reaction = /** @type {import("../../types").Reaction} */ (reactions.find((each) => each.key === key));
      const { face, emoji } = reaction;
      let chip = known.get(key);
      if (!chip) {
        chip = button("", () => react(handle, key), { class: face ? "chip" : "chip emoji", part: "chip" });
        paintReaction(chip, reaction);
        known.set(key, chip);
      }
      // The tally may not contain the reader's own reaction yet.
      const number = t("", { n: Math.max(n[key] ?? 0, key === own ? 1 : 0) }, "{n}");
      const text = face ? number : `${emoji} ${number}`;
      if (chip.textContent !== text) chip.textContent = text;
      set(chip, "aria-label", `${localText(t, reaction, "label")}, ${number}`);
      set(chip, "aria-pressed", String(key === own));
      set(chip, "aria-disabled", !mayReact() && "true");
      // Do not move a chip that is in its place: it may have the focus.
      if (chip.parentElement !== foot) foot.insertBefore(chip, first);
    }
  }

  const mayReact = () => isAllowed(story.state, "react");

  /** @param {CommentHandle} handle @param {string} key */
  async function react(handle, key) {
    if (!mayReact()) return;
    const { id } = handle.comment;
    const target = `${story.code} ${id}`;
    const was = story.state.mine.reactions[id] ?? null;
    const wanted = was === key ? null : key;
    setTimeout(warnIfUnsent, LATE_AFTER_MS);
    try {
      await story.loadLivePart();
      const done = story.setReaction(target, wanted);
      story.mark(id, wanted);
      draw(handle);
      await done;
    } catch (problem) {
      story.mark(id, was);
      tell(explain(problem), true);
    }
    draw(handle);
  }

  /** Open the picker of a comment, or close it. @param {CommentHandle} handle */
  function begin(handle) {
    const { article, foot, comment } = handle;
    const opener = /** @type {HTMLElement} */ (foot.querySelector(".icon-smile"));
    const own = article.querySelector(".reaction-picker");
    close?.();
    if (own) return opener.focus();
    const outside = new AbortController();
    const picker = h(
      "div",
      { role: "group", class: "reaction-picker", "aria-label": t("addReaction") },
      ...(story.state.settings?.reactions ?? []).map((reaction) => {
        const { key } = reaction;
        const name = localText(t, reaction, "label");
        const choice = button("", () => {
          close?.(true);
          react(handle, key);
        }, { title: name, "aria-label": name, "aria-pressed": String(story.state.mine.reactions[comment.id] === key) });
        paintReaction(choice, reaction);
        choice.append(reactionIcon(reaction));
        return choice;
      }),
    );
    close = (back) => {
      close = undefined;
      outside.abort();
      picker.remove();
      set(opener, "aria-expanded", "false");
      if (back) opener.focus();
    };
    picker.onkeydown = ({ key, target }) => {
      if (key === "Escape") close?.(true);
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (!step) return;
      const choices = /** @type {NodeListOf<HTMLElement>} */ (picker.querySelectorAll("button"));
      const ahead = getComputedStyle(picker).direction === "rtl" ? -step : step;
      const now = [...choices].indexOf(/** @type {HTMLElement} */ (target));
      choices[(now + ahead + choices.length) % choices.length]?.focus();
    };
    // A press elsewhere and moving the focus away close it.
    article.getRootNode().addEventListener(
      "pointerdown",
      (event) => {
        const inside = event.composedPath();
        if (!inside.includes(picker) && !inside.includes(opener)) close?.();
      },
      { signal: outside.signal },
    );
    picker.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget && relatedTarget !== opener && !picker.contains(/** @type {Node} */ (relatedTarget))) close?.();
    });
    set(opener, "aria-expanded", "true");
    foot.append(picker);
    picker.querySelector("button")?.focus();
  }

  return { begin, draw };
}
