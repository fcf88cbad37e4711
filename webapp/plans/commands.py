"""`mailrun plans`: list plans, and make the run of one now."""

from __future__ import annotations

import json

import click
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import select

from webapp.access import OPERATOR
from webapp.console import fail, or_fail, say
from webapp.extensions import runtime
from webapp.new_run import generation
from webapp.plans import making, queries
from webapp.plans.editing import make_now
from webapp.runs.commands import print_run
from webapp.store.plans import Plan
from webapp.store.types import iso
from webapp.translation import _, english

plan_commands = AppGroup("plans", help="Plans, which make runs by a recurring rule.")


@plan_commands.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@with_appcontext
def list_plans(as_json: bool) -> None:
    """List the plans: name, when, next date, and what became of the last one."""
    with runtime().database.reading() as session:
        for line in queries.plan_lines(session, OPERATOR):
            plan, last = line.plan, line.last.state if line.last else ""
            if as_json:
                told = {"plan": plan.name, "when": line.when, "next_at": iso(plan.next_at), "last": last}
                click.echo(json.dumps({**told, "owner": plan.owner.email, "problem": plan.problem}))
                continue
            following = f"{plan.next_at:%Y-%m-%d %H:%M} UTC" if plan.next_at else _("paused")
            say("  ".join(word for word in (plan.name, line.when, following, last, plan.problem) if word))


@plan_commands.command("run")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True)
@with_appcontext
def run_plan(name: str, as_json: bool) -> None:
    """Make the run of the plan NAME now, in its owner's name, and print it. The plan keeps its dates."""
    parts = runtime()
    with parts.database.writing() as session:
        plan_id = session.scalar(select(Plan.id).where(Plan.name == name))
        if plan_id is None:
            fail(_("There is no plan “%(name)s”.", name=name))
        made = or_fail(lambda: make_now(session, parts, OPERATOR, plan_id))
        run_id, why = made.run_id, made.detail
    if run_id is None:
        fail(why)
    with english():  # what it stores
        generation.generate(parts, run_id)
    making.work_off(parts)
    print_run(parts, run_id, as_json)
