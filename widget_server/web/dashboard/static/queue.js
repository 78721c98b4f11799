// The queue by keys: cards are fetched before they are needed, a verb acts on the screen at once, and the
// forms of the card are sent one after the other. Without this file the same forms load a page each.
"use strict";

const queue = document.querySelector("[data-queue]");
const BATCH = 10; // cards fetched at a time
const LOW = 8; // cards left when more are fetched
const RENEW_MS = 20_000;
const LEASE_S = 60;
const TOAST_S = 30;

// The keys of this person: whether they act, and the usual key by the one that was chosen instead.
const own = JSON.parse(document.querySelector("[data-own-keys]").dataset.ownKeys);
const chosen = new Set(Object.values(own.moved));
let going = 0; // until when a letter names a queue

// The usual key of what a pressed key does, by its place on the keyboard.
const codeOf = ({ code }) => own.moved[code] ?? (chosen.has(code) ? "" : code);

function press(code, scope) {
  // A figure is a reason only while the reasons are open.
  if (!code || (code.startsWith("Digit") && !scope.hasAttribute?.("popover"))) return false;
  const control = scope.querySelector(`[data-key="${code}"]`);
  control?.click();
  return control !== null;
}

// On every page of the queue: other queues, search, card or list. Returns whether the key did something.
function anywhere(event, code) {
  if (going > Date.now()) {
    going = 0;
    const link = document.querySelector(`[data-go="${event.code}"]`);
    link?.click();
    return link !== null;
  }
  if (code === "KeyG") going = Date.now() + 2000;
  else if (code === "KeyL") document.querySelector("[data-switch]")?.click();
  else return code === "Slash" && press(code, document);
  return true;
}

// Keys that are switched off, or belong to a field or to the browser.
function ignores(event) {
  const at = event.target;
  return (
    !own.on || event.ctrlKey || event.metaKey || event.altKey || event.isComposing ||
    at.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]")
  );
}

class Deck {
  constructor(root) {
    this.root = root;
    this.place = root.querySelector("[data-place]");
    this.empty = root.querySelector("[data-empty]");
    this.next = root.querySelector("[data-next]");
    this.toast = root.querySelector("[data-toast]");
    this.trouble = root.querySelector("[data-trouble]");
    this.stack = document.querySelector("[data-undo]");
    this.says = JSON.parse(root.dataset.says);
    this.cards = [...this.place.children];
    this.at = 0;
    this.done = []; // decisions of this page, the last one at the end
    this.sending = Promise.resolve();
    this.returning = new Set(); // cards whose undo has not arrived: their cases are still closed
    this.harsh = 0; // harsh cards shown in a row
    this.until = Date.now() + LEASE_S * 1000;
    this.active = Date.now();
    this.fetching = false;
    this.said = 0; // number of complaints so far
  }

  get card() {
    return this.cards[this.at];
  }

  // Fetching --------------------------------------------------------------------------------------

  async post(path, fields) {
    const response = await fetch(path, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { Accept: "application/json" },
      keepalive: true, // a decision arrives although the page is left
    });
    const isJson = response.headers.get("content-type")?.startsWith("application/json");
    const answer = isJson ? await response.json() : {};
    if (response.status === 401) answer.error = this.says.signed_out;
    return { ok: response.ok && isJson, status: response.status, ...answer };
  }

  async fill(number = BATCH) {
    if (this.fetching || !this.root.dataset.may) return;
    this.fetching = true;
    const said = this.said;
    const going = this.done.filter((one) => one.going).map((one) => one.card);
    const fields = new URLSearchParams(this.root.dataset.filter);
    fields.append("n", number);
    fields.append("harsh", this.harsh);
    for (const card of [...this.cards, ...going]) fields.append("skip", card.dataset.case);
    // An objection to one's own decision is shown, but it is not one's own case. A report of an error belongs
    // to no person: it goes when another one has answered it, but not while an answer is written.
    for (const card of this.cards) {
      const asks = card.querySelector("[data-lease]") || ("open" in card.dataset && !stepOf(card));
      if (asks && !this.returning.has(card)) fields.append("keep", card.dataset.case);
    }
    try {
      const answer = await this.post(`${this.root.dataset.queue}/take`, fields);
      if (!answer.ok) return this.complain(answer.error);
      // What was said meanwhile about a decision stays.
      if (said === this.said) this.complain("");
      this.until = Date.now() + LEASE_S * 1000;
      const known = new Set([...this.cards, ...going].map((card) => card.dataset.case));
      const parsed = new DOMParser().parseFromString(answer.cards, "text/html");
      for (const card of [...parsed.body.children]) {
        if (!known.has(card.dataset.case)) this.cards.push(document.adoptNode(card));
      }
      this.drop(new Set(fields.getAll("keep")), new Set(answer.kept.map(String)));
      count(answer.counts);
      this.show(false);
    } catch {
      this.complain(this.says.offline);
    } finally {
      this.fetching = false;
    }
  }

  // Cards that another person has now, or has decided.
  drop(asked, kept) {
    const gone = (card) => asked.has(card.dataset.case) && !kept.has(card.dataset.case);
    const shown = this.card;
    if (shown && gone(shown)) this.complain(this.says.taken);
    const before = this.cards.slice(0, this.at).filter((card) => !gone(card));
    const after = this.cards.slice(this.at).filter((card) => !gone(card));
    this.cards = [...before, ...after];
    this.at = before.length;
  }

  // Showing ---------------------------------------------------------------------------------------

  show(focus = true) {
    this.at = Math.max(0, Math.min(this.at, this.cards.length - 1));
    const card = this.card;
    if (this.place.firstElementChild !== card || this.place.children.length > 1) {
      this.place.replaceChildren(...(card ? [card] : []));
      this.harsh = card?.hasAttribute("data-harsh") ? this.harsh + 1 : 0;
      if (focus && card) {
        scrollTo(0, 0);
        card.querySelector("article").focus({ preventScroll: true });
      }
    }
    const wasEmpty = this.empty.hidden;
    this.empty.hidden = card !== undefined;
    if (focus && !card && wasEmpty) {
      const heading = this.empty.querySelector("h2");
      heading.tabIndex = -1;
      heading.focus();
    }
    this.next.replaceChildren(...this.cards.slice(this.at + 1, this.at + 3).map(line));
    if (this.cards.length - this.at < LOW) this.fill();
  }

  complain(text) {
    this.said++;
    this.trouble.textContent = text ?? this.says.wrong;
    this.trouble.hidden = !this.trouble.textContent;
  }

  tell(text, entry) {
    const [words, button, left] = this.toast.children;
    document.querySelectorAll(".toast.at:not([data-toast])").forEach((old) => old.remove());
    words.textContent = text;
    button.hidden = !entry || entry.final;
    button.onclick = () => this.undo(entry);
    this.toast.hidden = false;
    this.toastUntil = Date.now() + TOAST_S * 1000;
    left.textContent = "";
    this.stack?.replaceChildren(...this.done.slice(-6).reverse().map((one) => this.row(one)));
  }

  row(entry) {
    const item = document.createElement("li");
    const words = document.createElement("span");
    const small = document.createElement("small");
    small.textContent = `${entry.card.dataset.name}: ${entry.card.dataset.words}`;
    words.append(entry.word, small);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn small";
    button.textContent = this.says.undo;
    button.onclick = () => this.undo(entry);
    button.hidden = entry.final;
    item.append(words, button);
    return item;
  }

  // Deciding --------------------------------------------------------------------------------------

  decide(form, button) {
    const card = this.card;
    if (!navigator.onLine) return this.complain(this.says.offline);
    const fields = new URLSearchParams(new FormData(form, button));
    const stays = form.hasAttribute("data-stays");
    // An objection that was followed is an undo itself: it cannot be undone.
    const final = form.hasAttribute("data-final");
    const verb = button.name; // of a tag: "tag" or "untag"
    const word = button.dataset.word ?? this.says[`word_${verb}`];
    const entry = { card, word, going: true, decision: "", at: this.at, final, back: retag(card, button) };
    for (const open of card.querySelectorAll("[popover]:popover-open")) open.hidePopover();
    if (!stays) this.cards.splice(this.at, 1);
    this.done.push(entry);
    this.complain("");
    this.show();
    this.tell(button.dataset.done ?? this.says[`did_${verb}`], entry);
    entry.unsent = { path: form.action, fields };
    this.sending = this.sending.then(() => this.send(entry, form.action, fields));
  }

  async send(entry, path, fields) {
    let answer;
    entry.unsent = null;
    try {
      answer = await this.post(path, fields);
    } catch {
      answer = { ok: false, error: this.says.offline };
    }
    entry.going = false;
    count(answer.counts);
    if (answer.ok) {
      entry.decision = answer.decision ?? "";
      return;
    }
    this.done = this.done.filter((one) => one !== entry);
    entry.back?.();
    if (answer.gone) this.cards = this.cards.filter((card) => card !== entry.card);
    else this.bring(entry);
    this.complain(answer.error);
    this.tell(answer.error ?? this.says.wrong);
  }

  bring(entry) {
    if (!this.cards.includes(entry.card)) this.cards.splice(this.at, 0, entry.card);
    this.at = this.cards.indexOf(entry.card);
    this.show();
  }

  undo(entry = this.done.at(-1)) {
    // What was done on another page, such as a ban, is undone by the form in the bar that tells it.
    if (!entry) return document.querySelector(".toast.at:not([data-toast]) button")?.click();
    if (entry.final || !this.done.includes(entry)) return;
    this.done = this.done.filter((one) => one !== entry);
    entry.back?.();
    this.returning.add(entry.card);
    this.bring(entry);
    this.tell(this.says.undone);
    this.sending = this.sending.then(async () => {
      const path = this.root.dataset.queue.replace(/queue$/, "undo");
      let answer = { ok: true };
      if (entry.decision) answer = await this.post(path, { decision: entry.decision }).catch(() => ({}));
      this.returning.delete(entry.card);
      count(answer.counts);
      if (!answer.ok) this.complain(answer.error);
    });
  }

  // Open a form of the card, or close both. The cursor begins behind the words that are there.
  open(name) {
    for (const form of this.card.querySelectorAll("[data-step]")) form.hidden = form.dataset.step !== name;
    const field = stepOf(this.card)?.querySelector("[data-first]") ?? this.card.querySelector("article");
    field.focus();
    field.setSelectionRange?.(field.value.length, field.value.length);
  }

  move(by) {
    const to = this.at + by;
    if (to < 0 || to >= this.cards.length) return;
    this.at = to;
    this.show();
  }

  // Time ------------------------------------------------------------------------------------------

  tick() {
    const now = Date.now();
    const left = Math.ceil((this.until - now) / 1000);
    const place = this.card?.querySelector("[data-lease]");
    if (place) place.textContent = (left > 0 ? this.says.yours_for : this.says.given_back).replace("{n}", left);
    const toast = Math.ceil((this.toastUntil - now) / 1000);
    if (!this.toast.hidden) {
      this.toast.hidden = toast <= 0;
      this.toast.lastElementChild.textContent = this.says.seconds.replace("{n}", toast);
    }
    if (document.visibilityState === "hidden") return;
    const isLate = this.until - now < LEASE_S * 1000 - RENEW_MS && now - this.active < LEASE_S * 1000;
    if (this.cards.length === 0 ? now - (this.asked ?? 0) > 900 : isLate) {
      this.asked = now;
      this.sending = this.sending.then(() => this.fill(this.cards.length > LOW ? 0 : BATCH));
    }
  }
}

// The page writes European digits in Arabic too, which not every browser does by itself.
const digits = new Intl.NumberFormat(document.documentElement.lang, { numberingSystem: "latn" });

// What waits by queue, as the page writes it. An answer may leave a number out.
function count(numbers = {}) {
  for (const place of document.querySelectorAll("[data-count]")) {
    const number = numbers[place.dataset.count] ?? place.textContent;
    place.textContent = typeof number === "number" ? digits.format(number) : number;
  }
}

function line(card) {
  const item = document.createElement("li");
  const words = document.createElement("span");
  words.className = "cut";
  words.dir = "auto";
  words.textContent = `${card.dataset.name}: ${card.dataset.words}`;
  item.append(words);
  return item;
}

// The words that the card hides come when they are asked for, and stay on the card.
async function showWords(link) {
  const card = link.closest(".card");
  const answer = await fetch(link.dataset.hidden, { headers: { "HX-Request": "true" } }).catch(() => ({}));
  if (!answer.ok) return location.assign(link.href);
  const words = new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
  card.querySelector(".case > .text, .case > .diff").replaceWith(document.adoptNode(words));
  link.parentElement.remove();
}

// A tag is on the card, or off it, at once. Returns what takes that back; undefined for another button.
function retag(card, button) {
  const was = button.name;
  if (was !== "tag" && was !== "untag") return undefined;
  const set = (on) => {
    button.name = on ? "untag" : "tag";
    button.setAttribute("aria-pressed", on);
    const name = button.value.toLowerCase();
    for (const badge of card.querySelectorAll("[data-tag]")) {
      if (badge.dataset.tag.toLowerCase() === name) badge.hidden = !on;
    }
  };
  set(was === "tag");
  return () => set(was === "untag");
}

// The form of a card that is open.
const stepOf = (card) => card?.querySelector("[data-step]:not([hidden])");

function start(deck) {
  deck.root.addEventListener("submit", (event) => {
    // What gives the case to all loads the page again: the deck has no verb for it.
    if (!event.target.closest(".card") || event.target.closest(".handed")) return;
    event.preventDefault();
    deck.decide(event.target, event.submitter);
  });
  deck.root.addEventListener("click", (event) => {
    const hidden = event.target.closest("[data-hidden]");
    const opens = event.target.closest("[data-opens], [data-shuts]");
    if (!hidden && !opens && !event.target.closest("[data-later]")) return;
    event.preventDefault();
    if (hidden) return showWords(hidden);
    if (opens) return deck.open(opens.dataset.opens);
    event.target.closest("[popover]")?.hidePopover();
    deck.move(1);
  });
  deck.root.addEventListener("click", (event) => {
    const link = event.target.closest("[data-sheet]");
    if (!link) return;
    event.preventDefault();
    link.closest("[popover]").hidePopover();
    const sheet = document.getElementById(link.dataset.sheet);
    sheet.showPopover();
    sheet.querySelector("button").focus();
  });
  const undo = () => deck.undo();
  const keys = {
    KeyJ: () => deck.move(1),
    KeyK: () => deck.move(-1),
    KeyU: undo,
    KeyZ: undo,
    KeyN: () => deck.card && note(deck.card),
  };
  addEventListener("keydown", (event) => {
    deck.active = Date.now();
    const step = stepOf(deck.card);
    if (step && event.key === "Escape" && !event.isComposing) return deck.open();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && step?.contains(event.target)) {
      return step.requestSubmit(step.querySelector("button"));
    }
    if (ignores(event)) return;
    if (event.key === "?" || (event.code === "Slash" && event.shiftKey)) {
      return document.getElementById("keys").togglePopover();
    }
    const code = codeOf(event);
    if (event.shiftKey && keys[code] !== undo) return;
    const open = deck.card?.querySelector("[popover]:popover-open");
    if (code in keys && going < Date.now()) keys[code]();
    else if (!anywhere(event, code) && !(deck.card && press(code, open ?? deck.card))) return;
    event.preventDefault();
  });
  addEventListener("pointerdown", () => (deck.active = Date.now()));
  // What is not sent yet is sent now; the others get the cases at once.
  addEventListener("pagehide", () => {
    for (const { unsent } of deck.done) {
      if (unsent) navigator.sendBeacon(unsent.path, unsent.fields);
    }
    const fields = new URLSearchParams(deck.cards.map((card) => ["case", card.dataset.case]));
    if (deck.cards.length) navigator.sendBeacon(`${deck.root.dataset.queue}/give-back`, fields);
  });
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  setInterval(() => deck.tick(), 1000);
  deck.show(false);
  (stepOf(deck.card)?.querySelector("[data-first]") ?? deck.card?.querySelector("article"))?.focus({ preventScroll: true });
}

function note(card) {
  const sheet = card.querySelector("[data-reasons]");
  if (sheet && !sheet.matches(":popover-open")) sheet.showPopover();
  sheet?.querySelector("input[name=note]").focus();
}

if (queue && HTMLElement.prototype.hasOwnProperty("popover")) start(new Deck(queue));

for (const button of document.querySelectorAll("[data-keys]")) {
  const show = () => {
    button.setAttribute("aria-pressed", own.on);
    document.body.classList.toggle("no-keys", !own.on);
  };
  button.addEventListener("click", () => {
    own.on = !own.on;
    show();
    fetch("/admin/account/keys", {
      method: "POST",
      body: new URLSearchParams({ switch: own.on ? "on" : "off" }),
      headers: { Accept: "application/json" },
      keepalive: true,
    });
  });
  show();
}

// The list: select with x, all with the box above. Rows that are links are opened with Enter.
const selection = document.querySelector("[data-selection]");
if (selection) {
  const all = selection.querySelector("[data-all]");
  const boxes = [...selection.querySelectorAll("[name=case], [data-row]")];
  if (all) all.hidden = false;
  all?.addEventListener("change", () => boxes.forEach((box) => (box.checked = all.checked)));
  addEventListener("keydown", (event) => {
    if (ignores(event)) return;
    const code = codeOf(event);
    const at = boxes.indexOf(document.activeElement);
    if (!event.shiftKey && anywhere(event, code)) return event.preventDefault();
    if (code === "KeyJ") boxes[Math.min(at + 1, boxes.length - 1)]?.focus();
    else if (code === "KeyK") boxes[Math.max(at - 1, 0)]?.focus();
    else if (code === "KeyX" && at >= 0) boxes[at].checked = !boxes[at].checked;
    else return;
    if (event.shiftKey && code !== "KeyX") document.activeElement.checked = true;
    event.preventDefault();
  });
}

// A second look has two answers and no deck.
const look = document.querySelector("[data-look]");
look &&
  addEventListener("keydown", (event) => {
    if (ignores(event) || event.shiftKey) return;
    if (press(codeOf(event), look)) event.preventDefault();
  });
