// Copy what a field holds. Without this script the text is selected by hand.
"use strict";

/**
 * Copy the text for fields that take code, and beside it HTML for editors of formatted text, which would show the code.
 *
 * @param {string} text
 * @param {string | undefined} html if it is empty, the text is HTML; if it is missing, there is none
 */
async function copy(text, html) {
  if (html === undefined || !window.ClipboardItem) return navigator.clipboard.writeText(text);
  const kinds = { "text/plain": text, "text/html": html || text };
  const parts = Object.entries(kinds).map(([type, value]) => [type, new Blob([value], { type })]);
  return navigator.clipboard.write([new ClipboardItem(Object.fromEntries(parts))]);
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await copy(field.value, button.dataset.html);
    } catch {
      // Pages without HTTPS have no clipboard of their own.
      if (!document.execCommand("copy")) return;
    }
    document.getElementById("copied").textContent = button.dataset.done;
    button.textContent = button.dataset.done;
    setTimeout(() => {
      button.textContent = button.dataset.label;
      document.getElementById("copied").textContent = "";
    }, 2000);
  });
}
