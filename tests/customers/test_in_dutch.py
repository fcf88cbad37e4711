"""The pages about customers and clusters, as a person reads them who reads Dutch."""

from __future__ import annotations

from sqlalchemy import update

from tests import factories
from tests.customers.conftest import index_all
from tests.http_client import LogIn, text_of
from tests.world import World
from webapp.store.customers import Cluster
from webapp.store.users import User


def test_customers_and_clusters_in_dutch(log_in: LogIn, world: World, branches: None) -> None:
    browser = log_in()
    with world.runtime.database.writing() as session:
        session.execute(update(User).values(language="nl"))
        home = session.query(Cluster).filter_by(tag_name="left").one()
        bakery = factories.customer(session, home, "a@b.test", "c@d.test", name="Bakkerij")
        for gross in ("1000.00", "284.50"):
            factories.invoice(session, bakery, gross=gross)
        index_all(session)
    listed = text_of(browser.look("/customers?cluster=left"))
    assert "Klanten zoeken" in listed
    assert "€ 1.284,50" in listed.replace("\u00a0", " ")
    shown = text_of(browser.look(f"/customers/{bakery.id}"))
    assert "Openstaande facturen 2, € 1.284,50" in shown.replace("\u00a0", " ")
    assert "heeft “billing” nog 1 adres; er wordt niets overgeslagen." in shown
    assert "4 clusters, waarvan 1 onder meer dan één cluster" in text_of(browser.look("/clusters"))
    browser.look(f"/customers/{bakery.id}")
    said = browser.press(f"/customers/{bakery.id}/facts", name="Bakkerij", cluster="nergens", language="")
    assert "terwijl u het open had. Van uw invoer is nog niets opgeslagen" in text_of(said)
    browser.look("/customers?cluster=left")
    asked = browser.press("/customers/suspend", id=str(bakery.id))
    assert "1 klant opschorten?" in text_of(asked)
    assert "Elke run slaat ze vanaf nu over: 2 openstaande facturen" in text_of(asked)
