"""A story: rich text, raw HTML and embeds, as the guide to StreamField shows them."""

from typing import ClassVar

from wagtail.admin.panels import FieldPanel
from wagtail.blocks import RawHTMLBlock, RichTextBlock
from wagtail.embeds.blocks import EmbedBlock
from wagtail.fields import StreamField
from wagtail.models import Page


class StoryPage(Page):
    """A story."""

    body = StreamField(
        [("text", RichTextBlock()), ("html", RawHTMLBlock(label="HTML")), ("embed", EmbedBlock())],
        blank=True,
    )
    content_panels: ClassVar = [*Page.content_panels, FieldPanel("body")]
