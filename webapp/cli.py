"""The `mailrun` command: one group per feature, each in the feature's own commands.py."""

from __future__ import annotations

from flask.cli import FlaskGroup

from webapp import create_app
from webapp.catcher.commands import catcher
from webapp.demo.commands import demo
from webapp.imports.commands import import_command
from webapp.launch import commands as launch
from webapp.runs.commands import runs
from webapp.users.commands import users

main = FlaskGroup(
    name="mailrun",
    help="Mails invoices: the right document, to the right address, once, with proof.",
    create_app=create_app,
    add_default_commands=False,
    add_version_option=False,
    load_dotenv=False,
    set_debug_flag=False,
)

main.add_command(launch.up)
main.add_command(launch.serve_web)
main.add_command(launch.worker)
main.add_command(launch.init)
main.add_command(launch.doctor)
main.add_command(catcher)
main.add_command(demo)
main.add_command(import_command)
main.add_command(runs)
main.add_command(users)
