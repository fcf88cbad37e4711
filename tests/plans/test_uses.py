"""What a plan uses cannot be deleted, and what is said then names the plan."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from tests import factories
from tests.http_client import Browser, LogIn, text_of
from tests.plans.conftest import OWNER, Plans
from webapp.settings.kinds import KINDS, MAILBOXES, SettingKind
from webapp.store.bounces import Mailbox
from webapp.store.customers import Cluster
from webapp.store.definitions import MessageDefinition, MessageTemplate
from webapp.store.invoices import Transformation
from webapp.store.mailservers import Sender
from webapp.users.commands import users


def refused(browser: Browser, place: str, url: str) -> str:
    """What is said to a person who presses Delete there."""
    browser.look(place)
    browser.press(f"{url}/delete")
    return text_of(browser.look(place))


def count(plans: Plans, model: type) -> int:
    with plans.world.runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.table)
def test_what_the_definition_of_a_plan_uses(
    pages: Flask, log_in: LogIn, plans: Plans, kind: SettingKind
) -> None:
    plans.add()
    with plans.world.runtime.database.writing() as session:
        session.add(mailbox := Mailbox(name="Bounces", kind="maildir"))
        session.flush()
        session.execute(update(Sender).values(mailbox_id=mailbox.id))
        definition = session.get_one(MessageDefinition, plans.world.definition.id)
        used: dict[str, int] = {
            "mail_server": definition.sender.mail_server_id,
            "sender": definition.sender_id,
            "mailbox": mailbox.id,
            "recipient_key": definition.recipient_key_id,
            "transformation": session.scalars(select(Transformation.id)).one(),
        }
    before, url = count(plans, kind.model), f"{kind.path}/{used[kind.table]}"
    said = refused(log_in("admin"), url, url)
    assert "It cannot be deleted while the plan “Monthly”" in said
    assert count(plans, kind.model) == before
    assert kind is not MAILBOXES or "the sender “" in said


def test_a_plan_is_named_however_many_definitions_there_are(
    pages: Flask, log_in: LogIn, plans: Plans
) -> None:
    plans.add()
    with plans.world.runtime.database.writing() as session:
        definition = session.get_one(MessageDefinition, plans.world.definition.id)
        for _n in range(6):
            made = factories.definition(session, definition.sender.mail_server)
            made.sender_id = definition.sender_id
    page = text_of(log_in("admin").look(f"/senders/{definition.sender_id}"))
    assert "the plan “Monthly”" in page
    assert "and 4 more" in page


def test_its_definition_and_its_template(pages: Flask, log_in: LogIn, plans: Plans) -> None:
    plans.add()
    browser = log_in("manager")
    definition = plans.world.definition
    url = f"/definitions/{definition.id}"
    assert "the plan “Monthly” makes runs with it" in refused(browser, url, url)
    place = f"/templates/{definition.template_id}"
    assert "Plans make runs with it: “Monthly”." in refused(browser, place, place)
    assert (count(plans, MessageDefinition), count(plans, MessageTemplate)) == (1, 1)


def test_a_plan_out_of_sight_is_not_named(
    pages: Flask, log_in: LogIn, plans: Plans, in_cluster: object
) -> None:
    plans.add()
    browser = log_in("manager", "left")
    url = f"/definitions/{plans.world.definition.id}"
    said = refused(browser, url, url)
    assert "cannot be deleted: a plan makes runs with it" in said
    assert "Monthly”" not in said


def test_its_cluster(pages: Flask, log_in: LogIn, plans: Plans) -> None:
    with plans.world.runtime.database.writing() as session:
        alone = factories.cluster(session, "alone").id
    plans.add(cluster_id=alone)
    place = f"/clusters?cluster={alone}"
    browser, before = log_in("manager"), count(plans, Cluster)
    assert "while the plan “Monthly” makes runs for it" in text_of(browser.look(place))
    assert "while the plan “Monthly” makes runs for it" in refused(browser, place, f"/clusters/{alone}")
    assert count(plans, Cluster) == before


def test_retiring_a_definition_says_which_plan_is_held(pages: Flask, log_in: LogIn, plans: Plans) -> None:
    plans.add()
    browser, url = log_in("manager"), f"/definitions/{plans.world.definition.id}"
    browser.look(url)
    browser.press(f"{url}/retirement")
    assert "The plan “Monthly” is held until it has another definition." in text_of(browser.look(url))


def test_disabling_an_owner_says_which_plan_is_held(pages: Flask, log_in: LogIn, plans: Plans) -> None:
    plans.add()
    owner = plans.plan(1).owner_id
    words = "The plan “Monthly” works in this person’s name"
    assert words in text_of(log_in("admin").look(f"/users/{owner}"))
    said = pages.test_cli_runner().invoke(users, ["disable", OWNER]).output
    assert words in said
