"""The accessibility tree in the main states: roles, names, states and their order."""

import pytest
from playwright.async_api import expect

from tests.browser.actions import article
from tests.browser.conftest import Demo, Hosts
from tests.browser.widget_states import STATES, Harness

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_discussion_consists_of_headings_buttons_and_lists_of_named_articles(
    demo: Demo, hosts: Hosts
) -> None:
    page = await STATES["comments"](Harness(demo, hosts))
    await expect(page.locator("story-widget")).to_match_aria_snapshot("""
      - region "How does this article make you feel?":
        - /children: deep-equal
        - heading "How does this article make you feel?" [level=2]
        - group "How does this article make you feel?":
          - button "Surprised" [pressed=false]
          - button "Thinking" [pressed=false]
          - button "Happy" [pressed=false]
          - button "Sad" [pressed=false]
          - button "Fired up" [pressed=false]
        - paragraph: Be the first to react.
        - heading "3 comments" [level=3]
        - button "Newest first"
        - button "Share"
        - text: Your comment
        - textbox "Your comment"
        - paragraph: No account needed.
        - button "Post"
        - list:
          - listitem:
            - article /^Priya /:
              - heading /^Priya .*(now|ago)/ [level=4]:
                - text: Priya
                - link /now|ago/
              - blockquote:
                - paragraph: The boat waits.
              - paragraph:
                - text: That line stayed with me
                - link "all day"
                - text: ":"
              - list:
                - listitem: the racks
                - listitem: the captain
              - paragraph:
                - text: and
                - code: "404"
                - text: books.
              - button "React, comment by Priya"
              - button "Reply to Priya": Reply
              - button "More about the comment by Priya"
          - listitem:
            - article /^Yusuf /:
              - heading /^Yusuf .*(now|ago)/ [level=4]:
                - text: Yusuf
                - link /now|ago/
              - paragraph:
                - text: Who pays for the
                - strong: fuel
                - text: in winter? The article is quiet.
              - button "React, comment by Yusuf"
              - button "Reply to Yusuf": Reply
              - button "More about the comment by Yusuf"
            - list:
              - listitem:
                - article /^Priya /:
                  - heading /^Priya .*(now|ago)/ [level=4]:
                    - text: Priya
                    - link /now|ago/
                  - paragraph: The council does, since last year.
                  - button "React, comment by Priya"
                  - button "Reply to Priya": Reply
                  - button "More about the comment by Priya"
        - button "Report an error in the story"
        - button "Your data"
        - status
    """)


async def test_a_chosen_reaction_is_pressed_and_counted(demo: Demo, hosts: Hosts) -> None:
    page = await STATES["a reaction chosen"](Harness(demo, hosts))
    await expect(page.locator("story-widget")).to_match_aria_snapshot("""
      - group "How does this article make you feel?":
        - /children: equal
        - button "Surprised" [pressed=false]
        - button "Thinking" [pressed=false]
        - button "Happy 1" [pressed=true]
        - button "Sad" [pressed=false]
        - button "Fired up" [pressed=false]
      - paragraph: "1 reaction: Happy"
    """)


async def test_an_invalid_reply_shows_the_error_at_its_field(demo: Demo, hosts: Hosts) -> None:
    page = await STATES["a reply with an error"](Harness(demo, hosts))
    await expect(article(page, "Who pays")).to_match_aria_snapshot("""
      - article /^Yusuf /:
        - button "More about the comment by Yusuf"
        - tablist "Your reply to Yusuf":
          - tab "Your reply to Yusuf" [selected]
          - tab "Preview"
        - text: "*italic* **bold** > quote"
        - textbox "Your reply to Yusuf" [invalid]
        - alert: Write a comment first.
        - text: Name
        - textbox "Name"
        - button "Cancel"
        - button "Reply"
    """)
    box = page.get_by_role("textbox", name="Your reply to Yusuf")
    await expect(box).to_have_accessible_description("Write a comment first.")


async def test_the_order_is_a_named_group_of_buttons(demo: Demo, hosts: Hosts) -> None:
    page = await STATES["the order"](Harness(demo, hosts))
    await expect(page.locator("story-widget")).to_match_aria_snapshot("""
      - button "Newest first" [expanded]
      - button "Share"
      - group "Order":
        - /children: equal
        - button "Newest first" [pressed]
        - button "Oldest first" [pressed=false]
        - button "Most reactions first" [pressed=false]
        - group "Language":
          - button "All 3" [pressed]
          - button "English 2" [pressed=false]
          - button "Español 1" [pressed=false]
    """)


async def test_the_ways_to_share_follow_the_button_that_opens_them(
    demo: Demo, hosts: Hosts
) -> None:
    page = await STATES["ways to share"](Harness(demo, hosts))
    await expect(page.locator("story-widget")).to_match_aria_snapshot("""
      - button "Share" [expanded]
      - group "Share":
        - /children: equal
        - button "Copy link"
        - link "Email"
        - button "Mastodon…"
        - link "Bluesky"
        - link "WhatsApp"
        - link "X"
        - link "Facebook"
    """)


async def test_the_readers_data_are_a_named_group_and_deletion_is_a_question(
    demo: Demo, hosts: Hosts
) -> None:
    page = await STATES["the readers data"](Harness(demo, hosts))
    await expect(page.locator("story-widget")).to_match_aria_snapshot("""
      - button "Your data" [expanded]
      - group "Your data":
        - /children: equal
        - text: Your data
        - paragraph: "Stored for you: your name (Ana), 1 comment, and a key in this browser that makes them yours. No cookies."
        - paragraph: Your comments here
        - button "My own words"
        - button "Unmute Yusuf"
        - button "Delete my data…"
    """)
    await page.get_by_role("button", name="Delete my data…").click()
    await expect(page.locator("story-widget")).to_match_aria_snapshot("""
      - group "Delete what you wrote from this site in this browser?":
        - text: Delete what you wrote from this site in this browser?
        - paragraph: /This will permanently delete everything you left on stories by The Harbour Post/
        - button "Delete everything"
        - button "Keep it"
    """)


async def test_a_pending_comment_is_marked_and_offers_no_reply(demo: Demo, hosts: Hosts) -> None:
    page = await STATES["a pending comment"](Harness(demo, hosts))
    await expect(page.locator("story-widget")).to_match_aria_snapshot("""
      - region:
        - heading "0 comments" [level=3]
        - tablist:
          - tab "Your comment" [selected]
          - tab "Preview"
        - button "Post"
        - list:
          - /children: deep-equal
          - listitem:
            - article /^Ana /:
              - paragraph: Waiting for a moderator. Only you can see it.
              - heading /^Ana .*(now|ago)/ [level=4]:
                - text: Ana
                - link /now|ago/
              - paragraph: Please look
              - button "More about the comment by Ana"
        - button "Report an error in the story"
        - button "Your data"
        - status: Waiting for a moderator. Only you can see it.
    """)


async def test_a_closed_discussion_shows_a_notice_and_no_composer(demo: Demo, hosts: Hosts) -> None:
    page = await STATES["a closed discussion"](Harness(demo, hosts))
    await expect(page.locator("story-widget")).to_match_aria_snapshot("""
      - region "How does this article make you feel?":
        - heading "How does this article make you feel?" [level=2]
        - group "How does this article make you feel?":
          - button "Surprised" [disabled]
        - heading "3 comments" [level=3]
        - button "Newest first"
        - button "Share"
        - status: This discussion is closed. You can go on reading.
        - list:
          - listitem:
            - article /^Priya /:
              - button "More about the comment by Priya"
        - button "Your data"
    """)
    await expect(page.get_by_role("button", name="Reply to")).to_have_count(0)
    await expect(page.get_by_role("textbox")).to_have_count(0)


async def test_a_rejected_copy_shows_its_owner_the_reason(demo: Demo, hosts: Hosts) -> None:
    page = await STATES["a rejected copy for its owner"](Harness(demo, hosts))
    await expect(page.get_by_role("main")).to_match_aria_snapshot("""
      - main:
        - heading "A story" [level=1]
        - blockquote:
          - /children: deep-equal
          - paragraph:
            - link "Discuss this story"
          - paragraph: A title by Ines Falk. CC BY 4.0.
        - status: /The discussion cannot be shown here. The snippet’s token doesn’t cover this site .+ Ask the publisher for one that does./
    """)
