"""The audit trail is only added to: triggers that refuse to change or delete an entry of the chain.

Two things stay possible: to erase what an entry says in detail, whose digest then stands in its place, and to
delete entries that a stub stands for (webapp/audit_trail/retention.py)."""

from __future__ import annotations

KEPT = "id, at, actor, action, subject, origin, number, hash"
RELEASED = "OLD.number <= (SELECT coalesce(max(released_to), 0) FROM audit_stub)"
SAYS = "entries of the audit trail are not"

SQLITE = [
    f"""
CREATE TRIGGER audit_entry_unchanging BEFORE UPDATE OF {KEPT} ON audit_entry WHEN OLD.hash <> ''
BEGIN SELECT RAISE(ABORT, '{SAYS} changed'); END
""",
    f"""
CREATE TRIGGER audit_entry_detail BEFORE UPDATE OF detail, salt, erased ON audit_entry
WHEN OLD.hash <> '' AND (NEW.erased = '' OR OLD.erased <> '' AND OLD.erased <> NEW.erased)
BEGIN SELECT RAISE(ABORT, '{SAYS} changed'); END
""",
    f"""
CREATE TRIGGER audit_entry_staying BEFORE DELETE ON audit_entry WHEN OLD.hash <> '' AND NOT {RELEASED}
BEGIN SELECT RAISE(ABORT, '{SAYS} deleted'); END
""",
]

POSTGRESQL = [
    f"""
CREATE FUNCTION audit_entry_unchanging() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.hash = '' THEN
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
  END IF;
  IF TG_OP = 'DELETE' THEN
    IF {RELEASED} THEN RETURN OLD; END IF;
    RAISE EXCEPTION '{SAYS} deleted' USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.at, NEW.actor, NEW.action, NEW.subject, NEW.origin, NEW.number, NEW.hash)
     IS DISTINCT FROM (OLD.id, OLD.at, OLD.actor, OLD.action, OLD.subject, OLD.origin, OLD.number, OLD.hash)
     OR NEW.erased = '' OR OLD.erased <> '' AND OLD.erased <> NEW.erased
  THEN RAISE EXCEPTION '{SAYS} changed' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$
""",
    """
CREATE TRIGGER audit_entry_unchanging BEFORE UPDATE OR DELETE ON audit_entry
FOR EACH ROW EXECUTE FUNCTION audit_entry_unchanging()
""",
]


def statements(dialect: str) -> list[str]:
    """The DDL for this database ("sqlite" or "postgresql")."""
    return SQLITE if dialect == "sqlite" else POSTGRESQL
