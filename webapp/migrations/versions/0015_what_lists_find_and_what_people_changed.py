"""what customers and invoices are found by; what a person changed against the source"""

import sqlalchemy as sa
from alembic import op

import webapp.store.types

revision = "0015"
down_revision = "0014"

SEARCHABLE = """
CREATE FUNCTION searchable(s text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
  SELECT translate(replace(replace(replace(replace(
    regexp_replace(lower(normalize(s, NFKD)), '[\u0300-\u036f]', '', 'g'),
    'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), 'øłđðı', 'olddi') $$
"""
TRIGRAMS = """
CREATE FUNCTION trigrams(s text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
  SELECT ARRAY(SELECT substr(s, i, 3) FROM generate_series(1, length(s) - 2) i) $$
"""
"""The index keeps a trigram once by itself: to sort out repeated ones would take most of an import's time."""
TABLES = ("customer_search", "invoice_search")
FILL_CUSTOMERS = """
INSERT INTO customer_search (rowid, text) SELECT c.id, searchable(c.code || ' ' || c.name
  || coalesce((SELECT ' ' || {join}(e.address, ' ') FROM customer_email e WHERE e.customer_id = c.id), '')
  || coalesce((SELECT ' ' || {join}(m.value, ' ') FROM {fields}(c.metadata) m WHERE m.key NOT IN
    (SELECT d.password_key FROM message_definition d)), '')) FROM customer c
"""
WORDS = {
    True: {"join": "group_concat", "fields": "json_each"},
    False: {"join": "string_agg", "fields": "jsonb_each_text"},
}
"""On SQLite, and on PostgreSQL."""
FILL_INVOICES = """
INSERT INTO invoice_search (rowid, text) SELECT i.id, searchable(i.number || ' ' || c.code || ' ' || c.name)
FROM invoice i JOIN customer c ON c.id = i.customer_id
"""
OF_PEOPLE = sa.text("origin <> 'source'")
ORIGINS = "('source', 'changed', 'added')"


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.create_table(
        "source_value",
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("subject_id", webapp.store.types.Key, autoincrement=False, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", webapp.store.types.Json, nullable=True),
        sa.PrimaryKeyConstraint("subject", "subject_id", "field", name=op.f("pk_source_value")),
        sa.CheckConstraint(
            "subject IN ('cluster', 'customer', 'invoice')", name=op.f("ck_source_value_subject")
        ),
    )
    for table in ("customer_email", "transformation_result"):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN origin VARCHAR(8) NOT NULL DEFAULT 'source'"
            f" CONSTRAINT ck_{table}_origin CHECK (origin IN {ORIGINS})"
        )
        op.create_index(
            f"ix_{table}_of_people", table, ["id"], sqlite_where=OF_PEOPLE, postgresql_where=OF_PEOPLE
        )
    op.add_column("customer", sa.Column("sort_name", sa.Text(), server_default="", nullable=False))
    if not is_sqlite:
        op.execute(SEARCHABLE)
        op.execute(TRIGRAMS)
    op.execute("UPDATE customer SET sort_name = searchable(name)")
    op.execute("UPDATE result SET sort_name = searchable(sort_name) WHERE sort_name <> searchable(sort_name)")
    for table in TABLES:
        if is_sqlite:
            op.execute(
                f"CREATE VIRTUAL TABLE {table} USING fts5(text, tokenize='trigram', detail='none', columnsize=0)"
            )
        else:
            op.execute(f"CREATE TABLE {table} (rowid BIGINT PRIMARY KEY, text TEXT NOT NULL)")
    op.execute(FILL_CUSTOMERS.format(**WORDS[is_sqlite]))
    op.execute(FILL_INVOICES)
    if not is_sqlite:
        for table in TABLES:
            op.execute(f"CREATE INDEX ix_{table}_text ON {table} USING gin (trigrams(text))")
    op.create_index("ix_customer_sort_name", "customer", ["sort_name", "id"])


def downgrade() -> None:
    op.drop_index("ix_customer_sort_name", "customer")
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION searchable(text)")
        op.execute("DROP FUNCTION trigrams(text)")
    op.drop_column("customer", "sort_name")
    for table in ("customer_email", "transformation_result"):
        op.drop_index(f"ix_{table}_of_people", table)
        op.drop_column(table, "origin")
    op.drop_table("source_value")
