"""The routes of the owner API: one for each operation of `protocol/owner_operations.py`."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from widget_server.model.errors import OperatorError, ProblemError, StaleError, TokenInvalidError
from widget_server.operations.owners import api_answers
from widget_server.operations.owners.api_answers import StoredAnswer
from widget_server.protocol import codes
from widget_server.protocol.owner_operations import (
    OWNER_OPERATIONS,
    OWNER_PREFIX,
    OwnerOperation,
)
from widget_server.web import problems
from widget_server.web.api import (
    owner_bans,
    owner_batches,
    owner_cases,
    owner_comments,
    owner_copies,
    owner_corrections,
    owner_desk,
    owner_hints,
    owner_learner,
    owner_log,
    owner_numbers,
    owner_people,
    owner_raids,
    owner_report_mutes,
    owner_rules,
    owner_site,
    owner_stories,
    owner_texts,
    owner_tokens,
    owner_translations,
)
from widget_server.web.api.owner_call import Answer, Call, StatusError, read_call, respond

Handler = Callable[[Call], Awaitable[Answer | Response]]

HANDLERS: dict[str, Handler] = {
    "show_site": owner_site.show_site,
    "change_site": owner_site.change_site,
    "list_stories": owner_stories.list_stories,
    "show_story": owner_stories.show_story,
    "change_story": owner_stories.change_story,
    "show_story_text": owner_texts.show_story_text,
    "put_story_text": owner_texts.put_story_text,
    "remove_story_text": owner_texts.remove_story_text,
    "list_translations": owner_translations.list_translations,
    "put_translation": owner_translations.put_translation,
    "remove_translation": owner_translations.remove_translation,
    "list_corrections": owner_corrections.list_corrections,
    "correct_story": owner_corrections.correct_story,
    "list_hints": owner_hints.list_hints,
    "accept_hint": owner_hints.accept_hint,
    "decline_hint": owner_hints.decline_hint,
    "close_story": owner_stories.close_story,
    "open_story": owner_stories.open_story,
    "list_comments": owner_comments.list_comments,
    "show_comment": owner_comments.show_comment,
    "list_cases": owner_cases.list_cases,
    "take_cases": owner_cases.take_cases,
    "give_back_cases": owner_cases.give_back_cases,
    "hand_over_case": owner_cases.hand_over_case,
    "take_back_case": owner_cases.take_back_case,
    "show_case": owner_cases.show_case,
    "decide_case": owner_cases.decide_case,
    "list_new": owner_desk.list_new,
    "mark_seen": owner_desk.mark_seen,
    "list_watch_lists": owner_desk.list_watch_lists,
    "add_watch_list": owner_desk.add_watch_list,
    "remove_watch_list": owner_desk.remove_watch_list,
    "list_batches": owner_batches.list_batches,
    "start_batch": owner_batches.start_batch,
    "show_batch": owner_batches.show_batch,
    "undo_batch": owner_batches.undo_batch,
    "decide": owner_comments.decide_comments,
    "undo_decision": owner_comments.undo_decision,
    "list_bans": owner_bans.list_bans,
    "ban": owner_bans.ban,
    "unban": owner_bans.unban,
    "list_report_mutes": owner_report_mutes.list_report_mutes,
    "mute_reporter": owner_report_mutes.mute_reporter,
    "lift_report_mute": owner_report_mutes.lift_report_mute,
    "read_log": owner_log.read_log,
    "verify_log": owner_log.verify_log,
    "list_rules": owner_rules.list_rules,
    "add_rule": owner_rules.add_rule,
    "try_rule": owner_rules.try_on_past,
    "change_rule": owner_rules.change_rule,
    "remove_rule": owner_rules.remove_rule,
    "list_rule_hits": owner_rules.list_hits,
    "show_learner": owner_learner.show_learner,
    "change_learner": owner_learner.change_learner,
    "list_raids": owner_raids.list_raids,
    "switch_raid_on": owner_raids.switch_on,
    "end_raid": owner_raids.end,
    "list_copies": owner_copies.list_copies,
    "revoke_copy": owner_copies.revoke_copy,
    "readmit_copy": owner_copies.readmit_copy,
    "agree_with_copy": owner_copies.agree_with_copy,
    "hide_on_copy": owner_copies.hide_on_copy,
    "show_on_copy": owner_copies.show_on_copy,
    "let_copy_wait": owner_copies.let_copy_wait,
    "list_hidden": owner_copies.list_hidden,
    "look_at_copy": owner_copies.look_at_copy,
    "check_copy": owner_copies.check_copy,
    "check_page": owner_copies.check_page,
    "list_shut_out": owner_copies.list_shut_out,
    "shut_out": owner_copies.shut_out,
    "readmit": owner_copies.readmit,
    "list_tokens": owner_tokens.list_tokens,
    "mint_token": owner_tokens.mint_token,
    "revoke_token": owner_tokens.revoke_token,
    "list_signing_keys": owner_tokens.list_signing_keys,
    "rotate_signing_key": owner_tokens.rotate_signing_key,
    "retire_signing_keys": owner_tokens.retire_signing_keys,
    "list_members": owner_people.list_members,
    "change_member": owner_people.change_member,
    "remove_member": owner_people.remove_member,
    "list_invitations": owner_people.list_invitations,
    "invite": owner_people.invite,
    "take_back_invitation": owner_people.take_back_invitation,
    "list_keys": owner_people.list_keys,
    "create_key": owner_people.create_key,
    "end_key": owner_people.end_key,
    "read_numbers": owner_numbers.read_numbers,
}
REPLAYED = {"Idempotency-Replayed": "true"}


def owner_routes() -> list[Route]:
    """Return the routes. Longer paths come first: `{code}` would also match `CODE:close`."""
    ordered = sorted(OWNER_OPERATIONS, key=lambda one: (":" not in one.path, one.path == ""))
    return [
        Route(OWNER_PREFIX + one.path, _endpoint(one, HANDLERS[one.name]), methods=[one.method])
        for one in ordered
    ]


def _endpoint(
    operation: OwnerOperation, handler: Handler
) -> Callable[[Request], Awaitable[Response]]:
    async def run(request: Request) -> Response:
        try:
            call = await read_call(request, operation)
            if operation.method == "POST" and call.idempotency_key is not None:
                return await _once(call, operation, handler, request.url.path)
            return _response(operation, await handler(call))
        except ProblemError as problem:
            return _problem(request, problem)
        except StatusError as error:
            metrics = request.app.state.transport_metrics.http
            return problems.problem_response(
                metrics, error.status, error.code, error.detail, None, **error.more
            )
        except OperatorError as error:
            metrics = request.app.state.transport_metrics.http
            return problems.problem_response(metrics, 422, "text_refused", str(error))

    run.__name__ = operation.name
    return run


def _response(operation: OwnerOperation, answer: Answer | Response) -> Response:
    if isinstance(answer, Response):
        return answer
    return respond(operation, answer.body(), answer.headers)


async def _once(call: Call, operation: OwnerOperation, handler: Handler, path: str) -> Response:
    """Do a request once, however often it is sent, even if a process dies while it is done.

    A request that is refused may be sent again.
    """
    key = call.idempotency_key or ""
    text = f"{operation.method} {path}\n".encode() + call.raw
    begun = await api_answers.begin(
        call.services, call.actor, key, hashlib.sha256(text).hexdigest()
    )
    if begun.answer is not None:
        return respond(operation, begun.answer.body.encode(), REPLAYED)
    stored = None
    try:
        answer = await handler(replace(call, actor=replace(call.actor, request=begun.request)))
        if isinstance(answer, Answer):
            stored = StoredAnswer(operation.status, answer.body_for_repetition())
    finally:
        await api_answers.finish(call.services, call.actor, key, begun.request, stored)
    return _response(operation, answer)


def _problem(request: Request, problem: ProblemError) -> Response:
    more = {}
    if problem.field is not None:
        more["field"] = problem.field
    if isinstance(problem, StaleError) and isinstance(problem.later, str):
        more["later"] = problem.later
    response = problems.problem_response(
        request.app.state.transport_metrics.http,
        codes.status_of(problem),
        problem.code,
        problem.detail.split(" `widget-server ", 1)[0],
        problem.retry_after,
        **more,
    )
    if isinstance(problem, TokenInvalidError):
        response.headers["WWW-Authenticate"] = 'Bearer realm="owner API"'
    return response
