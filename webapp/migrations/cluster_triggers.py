"""No circle among clusters: a trigger that refuses an edge from a cluster to one of its own descendants.

A CHECK cannot look at other rows, so this is a trigger on both databases. On PostgreSQL it takes an advisory
lock, because two transactions could each add half of a circle that neither can see."""

from __future__ import annotations

SQLITE = [
    """
CREATE TRIGGER cluster_parent_acyclic BEFORE INSERT ON cluster_parent
WHEN EXISTS (
  WITH RECURSIVE above(id) AS (
    SELECT NEW.parent_id UNION SELECT p.parent_id FROM cluster_parent p JOIN above a ON p.child_id = a.id
  ) SELECT 1 FROM above WHERE id = NEW.child_id)
BEGIN SELECT RAISE(ABORT, 'clusters would form a circle'); END
""",
    """
CREATE TRIGGER cluster_parent_unchanging BEFORE UPDATE ON cluster_parent
BEGIN SELECT RAISE(ABORT, 'delete the edge and insert a new one'); END
""",
]

POSTGRESQL = [
    """
CREATE FUNCTION cluster_parent_acyclic() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    RAISE EXCEPTION 'delete the edge and insert a new one' USING ERRCODE = 'check_violation';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('cluster_parent_acyclic'));
  IF EXISTS (
    WITH RECURSIVE above(id) AS (
      SELECT NEW.parent_id UNION SELECT p.parent_id FROM cluster_parent p JOIN above a ON p.child_id = a.id
    ) SELECT 1 FROM above WHERE id = NEW.child_id)
  THEN RAISE EXCEPTION 'clusters would form a circle' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
""",
    """
CREATE TRIGGER cluster_parent_acyclic BEFORE INSERT OR UPDATE ON cluster_parent
FOR EACH ROW EXECUTE FUNCTION cluster_parent_acyclic()
""",
]


def statements(dialect: str) -> list[str]:
    """The DDL for this database ("sqlite" or "postgresql")."""
    return SQLITE if dialect == "sqlite" else POSTGRESQL
