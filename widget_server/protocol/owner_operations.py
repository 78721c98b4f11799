"""The operations of the owner API: path, verb, query, body and answer of each.

Routes and the OpenAPI document are both made from this list, so neither can have what the other lacks.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from widget_server.model.identifiers import COMMENT_ID, LANGUAGE_TAG, STORY_CODE
from widget_server.protocol import (
    owner_answers as answers,
    owner_answers_access as access_answers,
    owner_answers_comments as comment_answers,
    owner_answers_hints as hint_answers,
    owner_answers_rules as rule_answers,
    owner_requests as requests,
    owner_requests_rules as rule_requests,
)

OWNER_PREFIX = "/v1/sites/{site}"
MAX_BODY_BYTES = 60 * 1024
MAX_LIST_BYTES = 4 * 1024 * 1024
"""Body of a request that may bring a list of words."""
"""Bytes of a JSON body. Below the limit of the connection, so that the answer says what is too long."""

Media = Literal["text/csv", "application/x-ndjson"]

PATH_PATTERNS: dict[str, str] = {
    "code": STORY_CODE.pattern,
    "comment": COMMENT_ID.pattern,
    "batch": "[0-9A-Za-z]{1,32}",
    "case": "[1-9][0-9]{0,14}",
    "copy": "[1-9][0-9]{0,14}",
    "decision": "[0-9A-Za-z]{1,32}",
    "hint": "[0-9A-Za-z]{1,16}",
    "jti": r"[\x21-\x2e\x30-\x7e]{1,64}",
    "account": "[0-9a-f]{16}",
    "invitation": "[0-9a-f]{64}",
    "key": "[0-9a-f]{16}",
    "rule": "[0-9A-Za-z]{12}",
    "raid": "[0-9A-Za-z]{12,16}",
    "watch": "[0-9A-Za-z]{1,16}",
    "lang": LANGUAGE_TAG.pattern,
}
"""Shapes of the parts of paths. Anything else is not found."""


@dataclass(frozen=True, slots=True)
class OwnerOperation:
    """One operation: what it takes and answers. `path` follows `OWNER_PREFIX`."""

    name: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    verbs: tuple[str, ...]
    """Scopes of which the key needs one. The operation asks for all that it uses."""
    summary: str
    answer: type[BaseModel]
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    max_body: int = MAX_BODY_BYTES
    status: int = 200
    streams: tuple[Media, ...] = ()
    """Media types of other formats of the answer."""
    conditional: bool = False
    """Whether the request must name the state that it changes (`If-Match`)."""
    codes: tuple[str, ...] = ()
    """Error codes besides those of every operation."""


_TEXTS = ("text_refused",)
_DECIDES = ("stale", "erased", "too_large", "text_refused")

OWNER_OPERATIONS: tuple[OwnerOperation, ...] = (
    OwnerOperation(
        "show_site", "GET", "", ("read",), "A site: what waits, and its settings",
        answers.SiteAnswer,
    ),
    OwnerOperation(
        "change_site", "PATCH", "", ("settings",), "Change settings, or say what a change would do",
        answers.SettingsAnswer, body=requests.ChangeSite, conditional=True, codes=("stale",),
    ),
    OwnerOperation(
        "list_stories", "GET", "/stories", ("read",), "List stories",
        answers.StoryList, query=requests.StoriesQuery,
    ),
    OwnerOperation(
        "show_story", "GET", "/stories/{code}", ("read",), "Show a story",
        answers.StoryDetails,
    ),
    OwnerOperation(
        "change_story", "PATCH", "/stories/{code}", ("notice", "close", "story_settings"),
        "Change a story's notice, closing date or settings",
        answers.StoryChanged, body=requests.ChangeStory, conditional=True,
        codes=("stale", "too_large", "text_refused"),
    ),
    OwnerOperation(
        "show_story_text", "GET", "/stories/{code}/text", ("read",),
        "Show the text that republishers get",
        answers.StoryTextAnswer,
    ),
    OwnerOperation(
        "put_story_text", "PUT", "/stories/{code}/text", ("text",),
        "Give republishers the text of a story and its images",
        answers.StoryTextAnswer, body=requests.PutStoryText, codes=("too_large", "text_refused"),
    ),
    OwnerOperation(
        "remove_story_text", "DELETE", "/stories/{code}/text", ("text",),
        "Take the text of a story back",
        answers.Readmitted,
    ),
    OwnerOperation(
        "list_translations", "GET", "/stories/{code}/translations", ("read",),
        "List the linked translations of a story",
        answers.Translations,
    ),
    OwnerOperation(
        "put_translation", "PUT", "/stories/{code}/translations/{lang}", ("translate",),
        "Link a translation, which shares the story's tally and discussion",
        answers.Translations, body=requests.PutTranslation, codes=_TEXTS,
    ),
    OwnerOperation(
        "remove_translation", "DELETE", "/stories/{code}/translations/{lang}", ("translate",),
        "Unlink a translation",
        answers.Readmitted,
    ),
    OwnerOperation(
        "list_corrections", "GET", "/stories/{code}/corrections", ("read",),
        "List the corrections of a story, withdrawn ones included",
        answers.CorrectionList,
    ),
    OwnerOperation(
        "correct_story", "POST", "/stories/{code}/corrections", ("correct",),
        "Publish a correction on every copy of a story",
        answers.CorrectionAnswer, body=requests.CorrectStory, status=201, codes=_DECIDES,
    ),
    OwnerOperation(
        "list_hints", "GET", "/hints", ("correct",),
        "List the error reports of readers that wait",
        hint_answers.HintList, query=requests.HintsQuery,
    ),
    OwnerOperation(
        "accept_hint", "POST", "/hints/{hint}:accept", ("correct",),
        "Publish the correction that follows an error report of a reader",
        answers.CorrectionAnswer, body=requests.AcceptHint, status=201, codes=_DECIDES,
    ),
    OwnerOperation(
        "decline_hint", "POST", "/hints/{hint}:decline", ("correct",),
        "Answer an error report of a reader without a correction",
        hint_answers.HintDeclined, body=requests.DeclineHint, codes=_DECIDES,
    ),
    OwnerOperation(
        "close_story", "POST", "/stories/{code}:close", ("close",), "Close a discussion",
        answers.StoryDetails, body=requests.StoryDecision, codes=_DECIDES,
    ),
    OwnerOperation(
        "open_story", "POST", "/stories/{code}:open", ("open",), "Open a discussion",
        answers.StoryDetails, body=requests.StoryDecision, codes=_DECIDES,
    ),
    OwnerOperation(
        "list_comments", "GET", "/comments", ("read",), "List comments",
        comment_answers.CommentList, query=requests.CommentsQuery,
    ),
    OwnerOperation(
        "show_comment", "GET", "/comments/{comment}", ("read",), "Show a comment",
        comment_answers.CommentDetails,
    ),
    OwnerOperation(
        "list_cases", "GET", "/cases", ("read",), "List what waits for a person",
        comment_answers.CaseList, query=requests.CasesQuery,
    ),
    OwnerOperation(
        "take_cases", "POST", "/cases:take", ("read",),
        "Take cases, so that no other person gets them meanwhile",
        comment_answers.TakenCases, body=requests.TakeCases, codes=_TEXTS,
    ),
    OwnerOperation(
        "give_back_cases", "POST", "/cases:give_back", ("read",), "Give taken cases back",
        comment_answers.GivenBack, body=requests.GiveBackCases, codes=_TEXTS,
    ),
    OwnerOperation(
        "show_case", "GET", "/cases/{case}", ("read",), "Show an open case",
        comment_answers.CaseCard,
    ),
    OwnerOperation(
        "decide_case", "POST", "/cases/{case}:decide", (), "Decide about a case",
        comment_answers.CaseDecided, body=requests.DecideCase, codes=_DECIDES,
    ),
    OwnerOperation(
        "hand_over_case", "POST", "/cases/{case}:hand_over", ("hand_over",),
        "Hand a case over to a person",
        comment_answers.CaseHandedOver, body=requests.HandOverCase, codes=_DECIDES,
    ),
    OwnerOperation(
        "take_back_case", "POST", "/cases/{case}:take_back", ("hand_over",),
        "Let a case that was handed over belong to all again",
        comment_answers.CaseHandedOver, body=requests.Nothing, codes=_TEXTS,
    ),
    OwnerOperation(
        "list_new", "GET", "/new", ("read",),
        "List published comments that came in since this key last looked",
        comment_answers.NewList, query=requests.NewQuery,
    ),
    OwnerOperation(
        "mark_seen", "POST", "/new:seen", ("approve",),
        "Say up to which comment this key has looked",
        comment_answers.Seen, body=requests.MarkSeen,
    ),
    OwnerOperation(
        "list_watch_lists", "GET", "/watch_lists", ("read",), "List the watch-lists",
        comment_answers.WatchListList,
    ),
    OwnerOperation(
        "add_watch_list", "POST", "/watch_lists", ("watch",), "Add a watch-list",
        comment_answers.WatchListAnswer, body=requests.NewWatchList, status=201, codes=_TEXTS,
    ),
    OwnerOperation(
        "remove_watch_list", "DELETE", "/watch_lists/{watch}", ("watch",), "Remove a watch-list",
        answers.Readmitted,
    ),
    OwnerOperation(
        "list_batches", "GET", "/batches", ("read_log",), "List the last batches of decisions",
        comment_answers.BatchList,
    ),
    OwnerOperation(
        "start_batch", "POST", "/batches", (),
        "Decide about all comments that a search finds, or say what it finds",
        comment_answers.BatchProgress, body=requests.StartBatch, codes=_DECIDES,
    ),
    OwnerOperation(
        "show_batch", "GET", "/batches/{batch}", ("read_log",), "Show how far a batch is",
        comment_answers.BatchProgress,
    ),
    OwnerOperation(
        "undo_batch", "POST", "/batches/{batch}:undo", ("undo",), "Undo a whole batch",
        comment_answers.BatchProgress, body=requests.Nothing, codes=_DECIDES,
    ),
    OwnerOperation(
        "decide", "POST", "/decisions", (), "Decide about comments",
        comment_answers.BatchAnswer, body=requests.Decide, codes=_DECIDES,
    ),
    OwnerOperation(
        "list_bans", "GET", "/bans", ("read_reports",), "List the bans in effect",
        comment_answers.BanList, query=requests.Page,
    ),
    OwnerOperation(
        "ban", "POST", "/bans", ("ban",), "Ban the writer of a comment",
        comment_answers.Done, body=requests.Ban, status=201, codes=_DECIDES,
    ),
    OwnerOperation(
        "unban", "POST", "/bans/{decision}:lift", ("unban",),
        "Lift a ban, named by its id or by a comment of its writer",
        comment_answers.Done, body=requests.LiftBan, codes=_DECIDES,
    ),
    OwnerOperation(
        "list_report_mutes", "GET", "/report_mutes", ("read_reports",),
        "List the readers whose reports do not count",
        comment_answers.ReportMuteList, query=requests.Page,
    ),
    OwnerOperation(
        "mute_reporter", "POST", "/report_mutes", ("mute",),
        "Let the reports of a reader no longer count",
        comment_answers.ReportMuteAnswer, body=requests.MuteReporter, status=201, codes=_DECIDES,
    ),
    OwnerOperation(
        "lift_report_mute", "POST", "/report_mutes/{decision}:lift", ("mute",),
        "Let the reports of a muted reader count again",
        comment_answers.ReportMuteAnswer, body=requests.Nothing, codes=_DECIDES,
    ),
    OwnerOperation(
        "undo_decision", "POST", "/decisions/{decision}:undo", ("undo",),
        "Undo a decision or a batch",
        comment_answers.BatchAnswer, body=requests.UndoDecision, codes=_DECIDES,
    ),
    OwnerOperation(
        "read_log", "GET", "/log", ("read_log",), "Read the log",
        comment_answers.DecisionList, query=requests.LogQuery,
        streams=("application/x-ndjson", "text/csv"),
    ),
    OwnerOperation(
        "verify_log", "GET", "/log:verify", ("read_log",),
        "Check that no entry of the site's logs was changed or cut off",
        comment_answers.Verification,
    ),
    OwnerOperation(
        "list_rules", "GET", "/rules", ("read_rules",), "List the rules about comments",
        rule_answers.RuleList,
    ),
    OwnerOperation(
        "add_rule", "POST", "/rules", ("rules",), "Add a rule in shadow",
        rule_answers.RuleAnswer, body=rule_requests.NewRule, max_body=MAX_LIST_BYTES, status=201,
        codes=_TEXTS,
    ),
    OwnerOperation(
        "try_rule", "POST", "/rules:try", ("rules",), "Try a rule on the last comments",
        rule_answers.TrialAnswer, body=rule_requests.TryRule, max_body=MAX_LIST_BYTES,
    ),
    OwnerOperation(
        "change_rule", "PATCH", "/rules/{rule}", ("rules",), "Change a rule, or turn it on or off",
        rule_answers.RuleAnswer, body=rule_requests.ChangeRule, max_body=MAX_LIST_BYTES,
    ),
    OwnerOperation(
        "remove_rule", "DELETE", "/rules/{rule}", ("rules",), "Remove a rule",
        answers.Readmitted,
    ),
    OwnerOperation(
        "list_rule_hits", "GET", "/rules/{rule}/hits", ("read_rules",),
        "List the last comments that a rule hit",
        rule_answers.HitList,
    ),
    OwnerOperation(
        "show_learner", "GET", "/learner", ("read_rules",), "Show the learned filter",
        rule_answers.LearnerAnswer,
    ),
    OwnerOperation(
        "change_learner", "PATCH", "/learner", ("rules",), "Let the learned filter learn, hold or rest",
        rule_answers.LearnerAnswer, body=rule_requests.ChangeLearner,
    ),
    OwnerOperation(
        "list_raids", "GET", "/raids", ("read_rules",), "List the raids of the last 30 days",
        rule_answers.RaidList,
    ),
    OwnerOperation(
        "switch_raid_on", "POST", "/raids", ("raid",), "Switch the defence against a raid on",
        rule_answers.RaidAnswer, body=rule_requests.SwitchRaid, status=201, codes=_TEXTS,
    ),
    OwnerOperation(
        "end_raid", "POST", "/raids/{raid}:end", ("raid",), "End a raid",
        rule_answers.RaidAnswer, body=requests.Nothing, codes=_TEXTS,
    ),
    OwnerOperation(
        "list_copies", "GET", "/copies", ("read_copies",), "List copies",
        answers.CopyList, query=requests.CopiesQuery, streams=("text/csv",),
    ),
    OwnerOperation(
        "revoke_copy", "POST", "/copies/{copy}:revoke", ("revoke",), "Take a copy back",
        answers.RevocationAnswer, body=requests.RevokeCopy, codes=_TEXTS,
    ),
    OwnerOperation(
        "readmit_copy", "POST", "/copies/{copy}:readmit", ("revoke",), "Accept a copy again",
        answers.Readmitted, body=requests.Nothing, codes=_TEXTS,
    ),
    OwnerOperation(
        "agree_with_copy", "POST", "/copies/{copy}:agree", ("agree",),
        "Show the name that a republisher wants, or hide it again",
        answers.Readmitted, body=requests.AgreeWithCopy, codes=_TEXTS,
    ),
    OwnerOperation(
        "hide_on_copy", "POST", "/copies/{copy}:hide", ("hide",),
        "Hide a comment and its replies on one copy",
        answers.Readmitted, body=requests.HideOnCopy, codes=_TEXTS,
    ),
    OwnerOperation(
        "show_on_copy", "POST", "/copies/{copy}:show", ("show",),
        "Show a comment again that one copy hides",
        answers.Readmitted, body=requests.ShowOnCopy, codes=_TEXTS,
    ),
    OwnerOperation(
        "let_copy_wait", "POST", "/copies/{copy}:wait", ("approval",),
        "Let new comments from one copy wait for a moderator, or no more",
        answers.Readmitted, body=requests.LetCopyWait, codes=_TEXTS,
    ),
    OwnerOperation(
        "list_hidden", "GET", "/hidden", ("read",), "List the comments that single copies hide",
        answers.HiddenList, query=requests.HiddenQuery,
    ),
    OwnerOperation(
        "look_at_copy", "POST", "/copies/{copy}:look", ("read_copies",),
        "Look at a copy's page again, soon",
        answers.Readmitted, body=requests.Nothing,
    ),
    OwnerOperation(
        "check_copy", "POST", "/copies/{copy}:check", ("read_copies",),
        "Read a copy's page now, and say what to change on it",
        answers.PageCheckAnswer, body=requests.Nothing, codes=_TEXTS,
    ),
    OwnerOperation(
        "check_page", "POST", "/stories/{code}:check", ("read_copies",),
        "Read a page that carries the story, and say what to change on it",
        answers.PageCheckAnswer, body=requests.CheckPage, codes=_TEXTS,
    ),
    OwnerOperation(
        "list_shut_out", "GET", "/shut_out", ("read_copies",), "List the origins that are shut out",
        answers.ShutOutList,
    ),
    OwnerOperation(
        "shut_out", "POST", "/shut_out", ("shut_out",), "Shut an origin out",
        answers.ShutOutAnswer, body=requests.ShutOut, codes=_TEXTS,
    ),
    OwnerOperation(
        "readmit", "POST", "/shut_out:readmit", ("shut_out",), "Admit an origin again",
        answers.Readmitted, body=requests.ShutOut, codes=_TEXTS,
    ),
    OwnerOperation(
        "list_tokens", "GET", "/tokens", ("read_tokens",), "List widget tokens",
        access_answers.TokenList, query=requests.TokensQuery,
    ),
    OwnerOperation(
        "mint_token", "POST", "/tokens", ("token",), "Mint a widget token",
        access_answers.Minted, body=requests.MintToken, status=201, codes=_TEXTS,
    ),
    OwnerOperation(
        "revoke_token", "DELETE", "/tokens/{jti}", ("revoke",), "Take a widget token back",
        access_answers.RevokedToken, query=requests.RevokeTokenQuery, codes=_TEXTS,
    ),
    OwnerOperation(
        "list_signing_keys", "GET", "/tokens/keys", ("read_tokens",),
        "List the signing keys, and what would stop without the old ones",
        access_answers.SigningKeys,
    ),
    OwnerOperation(
        "rotate_signing_key", "POST", "/tokens/keys:rotate", ("rotate",), "Add a signing key",
        access_answers.SigningKeys, body=requests.Nothing,
    ),
    OwnerOperation(
        "retire_signing_keys", "POST", "/tokens/keys:retire", ("retire",),
        "Retire all signing keys but the newest",
        access_answers.Retired, body=requests.RetireKeys,
    ),
    OwnerOperation(
        "list_members", "GET", "/members", ("read_people",), "List people",
        access_answers.MemberList,
    ),
    OwnerOperation(
        "change_member", "PATCH", "/members/{account}", ("role",), "Change a person's role",
        access_answers.MemberAnswer, body=requests.ChangeMember, codes=_TEXTS,
    ),
    OwnerOperation(
        "remove_member", "DELETE", "/members/{account}", ("role",), "Take a person's role away",
        access_answers.MemberList, codes=_TEXTS,
    ),
    OwnerOperation(
        "list_invitations", "GET", "/invitations", ("read_people",), "List open invitations",
        access_answers.InvitationList,
    ),
    OwnerOperation(
        "invite", "POST", "/invitations", ("invite",), "Invite a person by a link",
        access_answers.InvitationAnswer, body=requests.Invite, status=201, codes=_TEXTS,
    ),
    OwnerOperation(
        "take_back_invitation", "DELETE", "/invitations/{invitation}", ("invite",),
        "Take an invitation back",
        answers.Readmitted,
    ),
    OwnerOperation(
        "list_keys", "GET", "/keys", ("read_people",), "List API keys",
        access_answers.KeyList,
    ),
    OwnerOperation(
        "create_key", "POST", "/keys", ("key",), "Make an API key",
        access_answers.KeyAnswer, body=requests.NewKey, status=201, codes=_TEXTS,
    ),
    OwnerOperation(
        "end_key", "DELETE", "/keys/{key}", ("key",), "End an API key",
        answers.Readmitted,
    ),
    OwnerOperation(
        "read_numbers", "GET", "/stats", ("read_numbers",), "Numbers over time, by copy or language",
        answers.NumbersAnswer, query=requests.NumbersQuery, streams=("text/csv",),
    ),
)  # fmt: skip
