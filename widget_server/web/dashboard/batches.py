"""Decide about all comments that a search finds: count and samples first, then chunks, and one undo."""

from starlette.responses import Response

from widget_server.model.batches import BATCH_VERBS, Search
from widget_server.model.decisions import REASONS
from widget_server.model.errors import NotPermittedError, ProblemError
from widget_server.operations.moderation import batches
from widget_server.operations.moderation.queue import queue_facts
from widget_server.web.dashboard.page import Page, site_page

HOUR_MS = 3_600_000
HOURS = (1, 6, 24, 72, 168)
"""Choices of the time since which comments were written."""
FIELDS = ("verb", "phrase", "writer", "copy", "story", "hours")


@site_page("read_log")
async def show(page: Page) -> Response:
    """Handle `GET …/queue/batch`: the search, what it finds, and ten of the comments."""
    return await _form(page, dict(page.request.query_params))


@site_page("read_log")
async def start(page: Page) -> Response:
    """Handle `POST …/queue/batch`: begin the batch and show how far it is."""
    values = {name: page.form.get(name) for name in FIELDS}
    try:
        batch = await batches.start_batch(
            page.services,
            page.actor,
            page.site,
            values["verb"],
            _search(page, values),
            reason=page.form.get("reason") or None,
        )
    except NotPermittedError:
        raise
    except ProblemError as error:
        page.fail(error)
        return await _form(page, values)
    return page.redirect(page.path(f"queue/batches/{batch.id}"))


@site_page("read_log")
async def progress(page: Page) -> Response:
    """Handle `GET …/queue/batches/{batch}`: how far it is, and Undo."""
    name = page.request.path_params["batch"]
    batch = await batches.find_batch(page.services, page.actor, page.site, name)
    undoing = await page.services.batches.undoing(name)
    template = "queue/_progress.html" if page.is_fragment else "queue/progress.html"
    return page.render(template, batch=batch, undoing=undoing)


@site_page("undo")
async def undo(page: Page) -> Response:
    """Handle `POST …/queue/batches/{batch}/undo`: undo the whole batch."""
    name = page.request.path_params["batch"]
    undoing = await batches.undo_batch(page.services, page.actor, page.site, name)
    return page.redirect(page.path(f"queue/batches/{undoing.id}"))


async def _form(page: Page, given: dict[str, str]) -> Response:
    values = {name: given.get(name, "") for name in FIELDS}
    allowed = [verb for verb in BATCH_VERBS if page.may(verb)]
    if not allowed:
        raise NotPermittedError
    values["verb"] = values["verb"] if values["verb"] in allowed else allowed[0]
    preview = None
    search = _search(page, values)
    if not search.is_empty and not page.errors:
        try:
            preview = await batches.preview(
                page.services, page.actor, page.site, values["verb"], search
            )
        except NotPermittedError:
            raise
        except ProblemError as error:
            page.fail(error)
    facts = await queue_facts(page.services, page.actor, page.site)
    copies = [(value, word) for value, word, _ in facts.choices.get("copy", [])]
    if values["copy"] and values["copy"] not in dict(copies):
        copies.append((values["copy"], values["copy"]))
    return page.render(
        "queue/batch.html",
        values=values,
        preview=preview,
        copies=copies,
        verb_options=[(verb, page.t(f"do_{verb}")) for verb in allowed],
        hours=[("", page.t("any")), *((str(one), page.t("hours", n=one)) for one in HOURS)],
        reasons=[(one, page.t(f"reason_{one}")) for one in REASONS],
        batches=await batches.list_batches(page.services, page.actor, page.site, 5),
    )


def _search(page: Page, values: dict[str, str]) -> Search:
    def number(name: str) -> int | None:
        text = values.get(name, "")
        return int(text) if text.isdecimal() and len(text) < 16 and int(text) else None

    hours = number("hours")
    return Search(
        writer=values.get("writer") or None,
        story=values.get("story") or None,
        copy=number("copy"),
        phrase=values.get("phrase") or None,
        since=None if hours is None else page.services.now_ms() - hours * HOUR_MS,
    )
