// The dashboard works without this file. It adds passkeys, copying, and focus after htmx has swapped a part.
"use strict";

const says = (form, text) => {
  const place = form.querySelector("[data-passkey-says]");
  if (place) place.textContent = text;
};

const answerOf = (credential) => JSON.stringify(credential.toJSON());
const canPasskeys =
  window.PublicKeyCredential && PublicKeyCredential.parseCreationOptionsFromJSON !== undefined;

// Sign in, or prove again who one is: the answer goes into the form's hidden field.
async function usePasskey(button, mediation, signal) {
  const form = button.form;
  try {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
      JSON.parse(button.dataset.passkey),
    );
    const credential = await navigator.credentials.get({ publicKey, mediation, signal });
    const field = form.elements.passkey ?? form.elements.again_passkey;
    field.value = answerOf(credential);
    form.submit();
  } catch (error) {
    if (error.name !== "AbortError") says(form, error.message);
  }
}

async function makePasskey(form) {
  try {
    const response = await fetch(form.action, { headers: { Accept: "application/json" } });
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await response.json());
    const credential = await navigator.credentials.create({ publicKey });
    form.elements.answer.value = answerOf(credential);
    form.submit();
  } catch (error) {
    says(form, error.message);
  }
}

for (const button of document.querySelectorAll("[data-passkey]")) {
  if (!canPasskeys) continue;
  button.hidden = false;
  const waiting = new AbortController();
  button.addEventListener("click", () => {
    waiting.abort();
    usePasskey(button, "optional");
  });
  // The browser offers passkeys in the address field's own list.
  if (button.form.elements.passkey && PublicKeyCredential.isConditionalMediationAvailable) {
    PublicKeyCredential.isConditionalMediationAvailable().then((available) => {
      if (available) usePasskey(button, "conditional", waiting.signal);
    });
  }
}

for (const form of document.querySelectorAll("[data-new-passkey]")) {
  if (!canPasskeys) continue;
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    makePasskey(form);
  });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).innerText);
    button.classList.add("copied");
  });
}

// The short name follows the name until somebody types one.
for (const slug of document.querySelectorAll("[data-slug-of]")) {
  const name = slug.form.elements[slug.dataset.slugOf];
  let own = slug.value !== "";
  slug.addEventListener("input", () => (own = slug.value !== ""));
  name.addEventListener("input", () => {
    if (own) return;
    const plain = name.value.normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "-");
    slug.value = plain.replace(/^-+/, "").slice(0, 40).replace(/-+$/, "");
  });
}

// After a swap, focus stays on its control if it still exists, else goes to the part's heading.
// A row that opened gets it always.
document.addEventListener("htmx:after:swap", (event) => {
  const opened = document.querySelector("[data-focus]");
  if (!opened && document.activeElement !== document.body) return;
  const heading = opened ?? event.target.querySelector?.("h1, h2, h3");
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus();
});

// The preview shows the form's values. `replace` adds no step to the history of the page.
document.addEventListener("htmx:after:swap", () => {
  const unsaved = document.querySelector("[data-preview]");
  const frame = document.querySelector("iframe.preview");
  if (!unsaved || !frame) return;
  frame.contentWindow.location.replace(frame.src.split("#")[0] + unsaved.value);
  unsaved.remove();
});

// Counts are asked for only while somebody can see them.
document.addEventListener("htmx:before:request", (event) => {
  const polls = event.target.getAttribute?.("hx-trigger")?.startsWith("every");
  if (polls && document.visibilityState === "hidden") event.preventDefault();
});

// Several comments at once: how many are ticked, and all of the page.
for (const bar of document.querySelectorAll(".batch")) {
  const boxes = [...bar.elements].filter(({ name }) => name === "target");
  const says = bar.querySelector("[data-ticked]");
  const first = says.textContent;
  const all = bar.querySelector("[data-tick-all]");
  const draw = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    says.textContent = ticked ? says.dataset.words.replace("{n}", ticked) : first;
  };
  all.hidden = boxes.length < 2;
  all.addEventListener("click", () => {
    for (const box of boxes.slice(0, 200)) box.checked = true;
    draw();
  });
  for (const box of boxes) box.addEventListener("change", draw);
  draw();
}

// Escape closes an opened row, as its link does.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelector("[data-closes]")?.click();
});
