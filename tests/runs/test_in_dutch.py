"""The pages about runs, as a person reads them who reads Dutch; what programs read stays English."""

from __future__ import annotations

from sqlalchemy import update

from tests.http_client import LogIn, text_of
from tests.world import World
from webapp import notation
from webapp.access import OPERATOR
from webapp.notation import Notation
from webapp.runs import report
from webapp.store.runs import Run
from webapp.store.users import User


def test_runs_in_dutch(log_in: LogIn, world: World) -> None:
    for address in ("a@x.test", "b@x.test", ""):
        world.add(address)
    run_id = world.run()
    browser = log_in("manager")
    with world.runtime.database.writing() as session:
        session.execute(update(User).values(language="nl"))
    shown = text_of(browser.look(f"/runs/{run_id}"))
    assert "verzendt 2 e-mails, de eerste binnen enkele seconden" in shown
    assert "1 t/m 31 oktober 2026" in shown
    assert "1 e-mail kan niet worden verzonden. 1 geen ontvanger." in shown
    listed = text_of(browser.look("/runs"))
    assert "2 klaar, nog niets verzonden" in listed
    assert "vandaag tot nu toe, 0 in 14 dagen" in text_of(browser.look("/"))
    browser.look(f"/runs/{run_id}")
    browser.press(f"/runs/{run_id}/sending")
    assert "Gestart." in text_of(browser.look(f"/runs/{run_id}"))


def test_a_report_of_a_run_is_english_in_every_language(world: World) -> None:
    run_id = world.run()
    with notation.reading(Notation(language="nl")), world.runtime.database.writing() as session:
        run = session.get_one(Run, run_id)
        run.problem = "the database was taken over while this mail was being handed over"
        assert report.show(session, run)["problem"] == run.problem
        assert report.problem(session, run) == (
            "de database is overgenomen terwijl deze e-mail werd overgedragen"
        )
        assert report.show(session, run, OPERATOR)["status"] == "created"
