"""The stories of the site."""
