"""The `mailrun` command: one group per feature, each in the feature's own commands.py."""

from __future__ import annotations

from flask.cli import FlaskGroup

from webapp import create_app
from webapp.catcher.commands import catcher
from webapp.demo.commands import demo
from webapp.launch import commands as launch
from webapp.runs.commands import runs

main = FlaskGroup(
    name="mailrun",
    help="Mails invoices: the right document, to the right address, once, with proof.",
    create_app=create_app,
    add_default_commands=False,
    add_version_option=False,
    load_dotenv=False,
    set_debug_flag=False,
)

for command in (launch.up, launch.serve_web, launch.worker, catcher, launch.init, launch.doctor, demo, runs):
    main.add_command(command)
