"""After a storm: what became of every mail, held against R1 to R4 and R8."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import func, select

from tests.faults.accounts import NAME
from tests.faults.installation import Site
from webapp.store.runs import Attempt, Result, Run
from webapp.store.workers import Worker


@dataclass
class Report:
    """What became of every mail of every run."""

    kills: int
    mails: int
    seconds: float
    statuses: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    repeated: int = 0
    lies: int = 0
    stranded: int = 0
    unmarked: int = 0
    most_per_connection: float = 0.0
    killed_connections: int = 0


def looked_at(site: Site, open_at_death: Mapping[int, int], kills: int, mails: int, seconds: float) -> Report:
    """Holds every result against what the server took."""
    report = Report(kills, mails, seconds, killed_connections=sum(open_at_death.values()))
    server = site.server
    there = Counter(taken.message_id for taken in server.taken)
    said = {taken.message_id for taken in server.taken if taken.said}
    by_address = Counter(taken.recipients[0] for taken in server.taken)
    report.repeated = sum(n - 1 for n in by_address.values())
    assert all(NAME.match(id) for id in there)
    with site.world.runtime.database.reading() as session:
        runs = list(session.scalars(select(Run.id)))
        doubts = Counter(
            session.scalars(
                select(Worker.pid)
                .join(Attempt, Attempt.worker_id == Worker.id)
                .join(Result, Result.id == Attempt.result_id)
                .where(Result.status == "unconfirmed", Attempt.outcome == "unknown")
            )
        )
        marked = set(session.scalars(select(Attempt.result_id).where(Attempt.stage == "dot")))
        still_sending = select(func.count()).where(Result.status == "sending")
        report.stranded = session.scalar(still_sending) or 0
    for run_id in runs:
        site.world.statuses(run_id)  # invariant 10
        for result in site.world.results(run_id):
            if result.status == "skipped":  # an earlier run has sent it
                continue
            report.statuses[result.status] += 1
            id, to = result.message_id, (result.recipients or [""])[0]
            report.lost += result.status not in ("sent", "unconfirmed") or (
                result.status == "sent" and not there[id]
            )
            report.lies += result.status == "sent" and id not in said
            report.unmarked += result.status == "unconfirmed" and (
                result.id not in marked or to not in server.begun
            )
    for pid, n in doubts.items():
        report.most_per_connection = max(report.most_per_connection, n / max(1, open_at_death.get(pid, 0)))
    return report


def shown(kind: str, report: Report) -> bool:
    """Prints the figures against their limits; whether all hold."""
    unconfirmed = report.statuses["unconfirmed"]
    lines = [
        ("R1 lost", report.lost, 0),
        ("R2 repeated by the machine", report.repeated, 0),
        ("R3 sent without a 250", report.lies, 0),
        ("R4 unconfirmed, most per killed connection", round(report.most_per_connection, 2), 1),
        ("R4 unconfirmed that had not been marked", report.unmarked, 0),
        ("R8 still sending", report.stranded, 0),
    ]
    print(
        f"\n{kind}: {report.kills} kills in {report.seconds:.0f} s over {report.mails} mails; "
        f"{report.killed_connections} connections killed, {unconfirmed} unconfirmed, "
        f"{report.statuses['sent']} sent"
    )
    for what, found, limit in lines:
        print(f"  {what:<45} {found:>6}   limit {limit}   {'holds' if found <= limit else 'DOES NOT HOLD'}")
    return all(found <= limit for _, found, limit in lines)
