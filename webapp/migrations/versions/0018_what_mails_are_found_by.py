"""mails are found by the server's queue id, and customers by the addresses that they were mailed at"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

HAS_QUEUE_ID = sa.text("queue_id <> ''")
QUEUE_ID = re.compile(
    r"queued as ([\w.-]+)|\bid=([\w.-]+)|\[InternalId=(\d+)|([\w.-]+) Message accepted"
    r"| ([\w.-]+) - gsmtp|^250 Ok ([0-9a-f-]{30,})$",
    re.IGNORECASE | re.MULTILINE,
)
BATCH = 10_000
ADD_FORMER = """
UPDATE customer_search SET text = text || ' ' || searchable(former.addresses) FROM (
  SELECT r.customer_id, {all_of} AS addresses FROM result r
  WHERE r.recipients IS NOT NULL AND NOT EXISTS (SELECT 1 FROM customer_email e
    WHERE e.customer_id = r.customer_id AND CAST(r.recipients AS VARCHAR) = '["' || e.address || '"]')
  GROUP BY r.customer_id) former
WHERE customer_search.rowid = former.customer_id
"""
ALL_OF = {
    True: {"all_of": "group_concat(DISTINCT r.recipients)"},
    False: {"all_of": "string_agg(DISTINCT CAST(r.recipients AS VARCHAR), ',')"},
}
"""On SQLite, and on PostgreSQL."""


def upgrade() -> None:
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    op.add_column("attempt", sa.Column("queue_id", sa.String(length=64), server_default="", nullable=False))
    _fill(connection)
    op.create_index(
        "ix_attempt_queue_id", "attempt", ["queue_id"],
        sqlite_where=HAS_QUEUE_ID, postgresql_where=HAS_QUEUE_ID,
    )  # fmt: skip
    # Which runs have a result of a customer is then read from the index alone.
    op.drop_index("ix_result_customer_id", "result")
    op.create_index("ix_result_customer_id", "result", ["customer_id", "run_id"])
    op.execute(ADD_FORMER.format(**ALL_OF[is_sqlite]))


def _fill(connection: sa.Connection) -> None:
    attempt = sa.table("attempt", sa.column("id"), sa.column("reply"), sa.column("queue_id"))
    told = sa.select(attempt.c.id, attempt.c.reply).where(attempt.c.reply.like("2%")).order_by(attempt.c.id)
    write = attempt.update().where(attempt.c.id == sa.bindparam("of")).values(queue_id=sa.bindparam("named"))
    last = 0
    while rows := connection.execute(told.where(attempt.c.id > last).limit(BATCH)).all():
        last = rows[-1].id
        named = [{"of": id, "named": _queue_id(reply)} for id, reply in rows]
        if found := [each for each in named if each["named"]]:
            connection.execute(write, found)


def _queue_id(reply: str) -> str:
    found = QUEUE_ID.search(reply)
    named = next((name for name in found.groups() if name), "") if found else ""
    return named.rstrip(".")[:64]


def downgrade() -> None:
    op.drop_index("ix_result_customer_id", "result")
    op.create_index("ix_result_customer_id", "result", ["customer_id"])
    op.drop_index("ix_attempt_queue_id", "attempt")
    op.drop_column("attempt", "queue_id")
