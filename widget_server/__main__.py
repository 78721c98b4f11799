"""Run the `widget-server` command as `python -m widget_server`."""

from widget_server.cli.main import main

main()
