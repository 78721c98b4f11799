/**
 * The second file: what it takes to write, to change, to take back and to report.
 *
 * @import {Desk, Frame, Handle, Shell, Tools} from "../desk"
 * @import {OwnComment, Thread} from "../types"
 */
import { equip } from "./composer.js";

export { credit } from "./credit.js";
export { WORDS } from "./words.js";

/**
 * @param {Frame} frame
 * @param {Tools} tools
 * @returns {Desk}
 */
export function desk(frame, tools) {
  const { story, say, tell, focus, explain } = frame;
  const { h, button, ids, composerShell } = tools;
  /** @type {WeakSet<Shell>} */
  const taken = new WeakSet();
  /** Forms that are open in comments. @type {WeakMap<Handle, () => void>} */
  const forms = new WeakMap();

  /**
   * @param {"comment" | "edit" | "delete"} type
   * @param {Record<string, string>} fields
   */
  const commit = (type, fields) =>
    story.hold(async () => {
      const { comment } = await story.perform({ type, ...fields });
      const own = /** @type {OwnComment} */ (comment);
      if (typeof own === "object") story.dispatch({ type: "own", comment: own });
      return own;
    });

  /** @param {Record<string, string>} fields */
  async function post(fields) {
    const { id, state } = await commit("comment", fields);
    if (fields.name) story.remember({ name: fields.name });
    tell(say(state === "pending" ? "pending" : "posted"));
    return id;
  }

  /** @param {Shell} shell */
  function take(shell) {
    if (taken.has(shell)) return;
    taken.add(shell);
    equip(frame, tools, shell, {
      verb: say("post"),
      deliver: async (fields) => focus(await post(fields)),
    });
  }

  /**
   * Opens a form in a comment, in place of another one.
   *
   * @param {Handle} handle
   * @param {string} label
   * @param {string} verb
   * @param {boolean} change whether it takes the place of the text
   * @param {(fields: Record<string, string>) => Promise<string>} work gives the id of the comment to go to
   */
  function open(handle, label, verb, change, work) {
    forms.get(handle)?.();
    const shell = composerShell(label, verb);
    const close = () => {
      forms.delete(handle);
      shell.element.remove();
      handle.body.hidden = handle.foot.hidden = false;
    };
    forms.set(handle, close);
    equip(frame, tools, shell, {
      verb,
      change,
      deliver: async (fields) => {
        const id = await work(fields);
        close();
        focus(id);
      },
      cancel: () => {
        close();
        back(handle, change ? "more" : "reply");
      },
    });
    handle.body.hidden = handle.foot.hidden = change;
    handle.article.append(shell.element);
    shell.text.focus();
    return shell.text;
  }

  /** Focus on the button where it began. @param {Handle} handle @param {string} deed */
  function back({ foot, focus }, deed) {
    const [reply, more = reply] = foot.querySelectorAll("button");
    const place = deed === "reply" ? reply : more;
    if (place) place.focus();
    else focus();
  }

  /**
   * Puts what can be done in the place of the buttons, with a way back.
   *
   * @param {Handle} handle
   * @param {string} question
   * @param {[string, () => unknown][]} choices words and what they do
   */
  function choose(handle, question, choices) {
    const text = h("span", { role: "alert" }, question);
    const close = () => {
      handle.refresh();
      back(handle, "more");
    };
    const buttons = [...choices, /** @type {const} */ (["cancel", close])].map(([word, act]) =>
      button(
        say(word),
        async () => {
          try {
            await act();
          } catch (problem) {
            text.textContent = explain(problem);
          }
        },
        { class: "act" },
      ),
    );
    handle.foot.replaceChildren(text, ...buttons);
    handle.foot.onkeydown = ({ key }) => {
      if (key === "Escape" && buttons[0]?.isConnected) close();
    };
    buttons[0]?.focus();
  }

  /**
   * @param {Handle} handle
   * @param {"delete" | "report"} deed
   * @param {() => Promise<unknown>} act
   */
  const sure = (handle, deed, act) =>
    choose(handle, say(deed + "Sure"), [
      [
        deed,
        async () => {
          await act();
          handle.refresh();
          tell(say(deed + "Done"));
          handle.focus();
        },
      ],
    ]);

  /** @param {Handle} handle */
  function edit(handle) {
    const { id } = handle.comment;
    handle.refresh();
    open(handle, say("write"), say("save"), true, async (fields) => {
      await commit("edit", { ...fields, comment: id });
      tell(say("saved"));
      return id;
    }).value = story.state.mine.comments[id]?.body ?? "";
  }

  /** The next page of threads, and the reader at its beginning. */
  async function page() {
    const { next } = story.state;
    if (!next) return;
    const more = await story.get(`?order=newest&before=${encodeURIComponent(next)}`);
    const { threads } = story.state;
    const known = ids(threads);
    const news = more.threads.filter((/** @type {Thread} */ { id }) => !known.has(id));
    story.set({ threads: [...threads, ...news], next: more.next });
    focus(news[0]?.id);
  }

  /** All replies of a thread, and the reader at the first that was not there. @param {string} id */
  async function replies(id) {
    /** @type {Thread} */
    const thread = await story.get("/" + id);
    const { threads, fresh } = story.state;
    const known = ids(threads);
    const now = ids([thread]);
    story.set({
      threads: threads.map((each) => (each.id === id ? thread : each)),
      fresh: fresh.filter((each) => !now.has(each)),
    });
    focus(thread.replies.find((each) => !known.has(each.id))?.id);
  }

  return {
    take,
    page,
    replies,
    begin(deed, handle) {
      const { name, comment } = handle;
      const { id } = comment;
      if (deed === "reply") {
        open(handle, say("answer", { name }), say("reply"), false, (fields) =>
          post({ ...fields, parent: id }),
        );
        return;
      }
      const mine = story.state.mine.comments[id];
      const remove = () => sure(handle, "delete", () => commit("delete", { comment: id }));
      const report = () =>
        sure(handle, "report", () => story.perform({ type: "report", comment: id }));
      choose(
        handle,
        mine && Date.parse(mine.editable_until) < Date.now() ? say("late") : "",
        !mine
          ? [["report", report]]
          : Date.parse(mine.editable_until) < Date.now()
            ? []
            : [
                ["edit", () => edit(handle)],
                ["delete", remove],
              ],
      );
    },
  };
}
