"""The page about roles is made from the table of permissions."""

from tests import roles_page
from widget_server.auth.permissions import PERMISSIONS
from widget_server.model.actors import ROLES


def test_the_page_about_roles_is_up_to_date() -> None:
    assert roles_page.PAGE.read_text("utf-8") == roles_page.render()


def test_the_table_names_known_roles_only_and_an_owner_may_do_everything() -> None:
    for verb, roles in PERMISSIONS.items():
        assert set(roles) <= set(ROLES), verb
        assert "owner" in roles, verb
