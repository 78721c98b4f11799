"""Site settings as the database and backups store them."""

from widget_server.model.settings import SiteSettings


def test_settings_stored_under_their_earlier_names_are_read() -> None:
    stored = {
        "pace_react": "5/60",
        "pace_comment": "1/600",
        "faces": "emoji",
        "of_a_newer_version": 1,
    }
    settings = SiteSettings.from_json(stored)
    settings.check()
    assert (settings.rate_limit_react, settings.rate_limit_comment) == ("5/60", "1/600")
    assert settings.reaction_style == "emoji"
    assert settings.to_json() == {
        "rate_limit_react": "5/60",
        "rate_limit_comment": "1/600",
        "reaction_style": "emoji",
    }
