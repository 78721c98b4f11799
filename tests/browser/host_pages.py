"""Host pages with a strict policy, or with the iframe and script of WordPress."""

from html import escape

from tests.browser.conftest import Story

SECRET = "a1B2c3D4e5"
HIDDEN = 'style="position: absolute; clip: rect(1px, 1px, 1px, 1px);"'
"""WordPress hides an iframe until it has a message from it."""
# As WordPress's script does: it accepts messages with the secret, from the iframe itself, within height limits.
LISTENER = """
<script>
window.received = [];
window.links = [];
addEventListener("message", ({ data, source }) => {
  received.push(data);
  for (const frame of document.querySelectorAll("iframe")) {
    if (source !== frame.contentWindow || /[^a-zA-Z0-9]/.test(data.secret ?? "")) continue;
    if (data.secret !== frame.dataset.secret) continue;
    frame.removeAttribute("style");
    if (data.message === "height") frame.height = Math.min(1000, Math.max(200, data.value));
    if (data.message === "link" && new URL(data.value).host === new URL(frame.src).host) {
      links.push(data.value);
    }
  }
});
</script>
"""


def wordpress(story: Story, reference: str) -> str:
    """Return the iframe that WordPress creates for an unknown address."""
    return (
        f'<iframe class="wp-embedded-content" sandbox="allow-scripts" security="restricted" {HIDDEN} '
        f'src="{story.server}/e/{escape(reference)}#?secret={SECRET}" data-secret="{SECRET}" '
        'width="500" height="200" title="Discussion" frameborder="0"></iframe>' + LISTENER
    )


def policy(server: str, *, socket: bool = True) -> dict[str, str]:
    """Return the strictest Content-Security-Policy that the embed supports."""
    live = " " + server.replace("http", "ws", 1) if socket else ""
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; script-src {server}; connect-src {server}{live}; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )
    }
