"""the first tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import webapp.store.types
from webapp.migrations import cluster_triggers

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", webapp.store.types.Instant(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=254), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_table(
        "cluster",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tag_name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cluster")),
        sa.UniqueConstraint("tag_name", name=op.f("uq_cluster_tag_name")),
    )
    op.create_table(
        "form_key",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("used_at", webapp.store.types.Instant(timezone=True), nullable=False),
        sa.Column("answer", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_form_key")),
    )
    op.create_table(
        "mail_server",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("security", sa.String(length=16), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=False),
        sa.Column("password_env", sa.String(length=255), nullable=False),
        sa.Column("rate_per_minute", sa.Integer(), nullable=False),
        sa.Column("max_connections", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("trouble_since", webapp.store.types.Instant(timezone=True), nullable=True),
        sa.Column("trouble_count", sa.Integer(), nullable=False),
        sa.Column("next_try_at", webapp.store.types.Instant(timezone=True), nullable=True),
        sa.CheckConstraint("security IN ('none', 'starttls', 'tls')", name=op.f("ck_mail_server_security")),
        sa.CheckConstraint("max_connections >= 1", name=op.f("ck_mail_server_max_connections")),
        sa.CheckConstraint("port BETWEEN 1 AND 65535", name=op.f("ck_mail_server_port")),
        sa.CheckConstraint("rate_per_minute >= 0", name=op.f("ck_mail_server_rate_per_minute")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_server")),
        sa.UniqueConstraint("name", name=op.f("uq_mail_server_name")),
    )
    op.create_table(
        "message_template",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.CheckConstraint("format IN ('html', 'text')", name=op.f("ck_message_template_format")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_template")),
        sa.UniqueConstraint("name", name=op.f("uq_message_template_name")),
    )
    op.create_table(
        "recipient_key",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipient_key")),
        sa.UniqueConstraint("key", name=op.f("uq_recipient_key_key")),
    )
    op.create_table(
        "transformation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("output_type", sa.String(length=16), nullable=False),
        sa.Column("template", sa.Text(), nullable=True),
        sa.Column("autogenerate", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "output_type IN ('pdf', 'text', 'csv', 'html', 'xml')", name=op.f("ck_transformation_output_type")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transformation")),
        sa.UniqueConstraint("name", name=op.f("uq_transformation_name")),
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("session_key", sa.String(length=64), nullable=False),
        sa.Column("created_at", webapp.store.types.Instant(timezone=True), nullable=False),
        sa.Column("disabled_at", webapp.store.types.Instant(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('admin', 'manager', 'viewer')", name=op.f("ck_user_account_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("email", name=op.f("uq_user_account_email")),
    )
    op.create_table(
        "worker",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("machine", sa.String(length=100), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("pid_started", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("beat", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("started_at", webapp.store.types.Instant(timezone=True), nullable=False),
        sa.Column("left_at", webapp.store.types.Instant(timezone=True), nullable=True),
        sa.Column("lost_at", webapp.store.types.Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
    )
    op.create_table(
        "cluster_parent",
        sa.Column("child_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("child_id <> parent_id", name=op.f("ck_cluster_parent_not_its_own_parent")),
        sa.ForeignKeyConstraint(
            ["child_id"], ["cluster.id"], name=op.f("fk_cluster_parent_child_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["cluster.id"], name=op.f("fk_cluster_parent_parent_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("child_id", "parent_id", name=op.f("pk_cluster_parent")),
    )
    with op.batch_alter_table("cluster_parent", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cluster_parent_parent_id"), ["parent_id"], unique=False)

    op.create_table(
        "connection_slot",
        sa.Column("mail_server_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("worker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("token", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["mail_server_id"],
            ["mail_server.id"],
            name=op.f("fk_connection_slot_mail_server_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_connection_slot_worker_id")),
        sa.PrimaryKeyConstraint("mail_server_id", "number", name=op.f("pk_connection_slot")),
    )
    with op.batch_alter_table("connection_slot", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_connection_slot_worker_id"), ["worker_id"], unique=False)

    op.create_table(
        "customer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("cluster_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column(
            "metadata",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["cluster_id"], ["cluster.id"], name=op.f("fk_customer_cluster_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("code", name=op.f("uq_customer_code")),
    )
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_customer_cluster_id"), ["cluster_id"], unique=False)

    op.create_table(
        "sender",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("display_name", sa.String(length=200), nullable=False),
        sa.Column("reply_to", sa.String(length=254), nullable=False),
        sa.Column("envelope_sender", sa.String(length=254), nullable=False),
        sa.Column("mail_server_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["mail_server_id"], ["mail_server.id"], name=op.f("fk_sender_mail_server_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sender")),
        sa.UniqueConstraint("key", name=op.f("uq_sender_key")),
    )
    with op.batch_alter_table("sender", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sender_mail_server_id"), ["mail_server_id"], unique=False)

    op.create_table(
        "template_text",
        sa.Column("template_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["message_template.id"],
            name=op.f("fk_template_text_template_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("template_id", "language", name=op.f("pk_template_text")),
    )
    op.create_table(
        "user_cluster",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("cluster_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["cluster_id"], ["cluster.id"], name=op.f("fk_user_cluster_cluster_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_user_cluster_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "cluster_id", name=op.f("pk_user_cluster")),
    )
    op.create_table(
        "customer_email",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("recipient_key_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("display_name", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_customer_email_customer_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["recipient_key_id"], ["recipient_key.id"], name=op.f("fk_customer_email_recipient_key_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_email")),
        sa.UniqueConstraint(
            "customer_id",
            "recipient_key_id",
            "address",
            name=op.f("uq_customer_email_customer_id_recipient_key_id_address"),
        ),
    )
    op.create_table(
        "invoice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=100), nullable=False),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("issue_date", sa.Date(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("net_amount", webapp.store.types.Money(precision=18, scale=4), nullable=False),
        sa.Column("tax_amount", webapp.store.types.Money(precision=18, scale=4), nullable=False),
        sa.Column("gross_amount", webapp.store.types.Money(precision=18, scale=4), nullable=False),
        sa.Column(
            "data",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.CheckConstraint("status IN ('open', 'approved', 'closed')", name=op.f("ck_invoice_status")),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_invoice_currency")),
        sa.CheckConstraint("period_start <= period_end", name=op.f("ck_invoice_period")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_invoice_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("number", name=op.f("uq_invoice_number")),
    )
    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.create_index(
            "ix_invoice_customer_period", ["customer_id", "period_start", "period_end"], unique=False
        )
        batch_op.create_index("ix_invoice_period", ["period_start", "period_end"], unique=False)

    op.create_table(
        "message_definition",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("sender_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("recipient_key_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.String(length=1000), nullable=False),
        sa.Column("template_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("no_documents", sa.Boolean(), nullable=False),
        sa.Column("zip", sa.Boolean(), nullable=False),
        sa.Column("password_key", sa.String(length=100), nullable=False),
        sa.Column("collate", sa.Boolean(), nullable=False),
        sa.Column(
            "bcc",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["recipient_key_id"], ["recipient_key.id"], name=op.f("fk_message_definition_recipient_key_id")
        ),
        sa.ForeignKeyConstraint(["sender_id"], ["sender.id"], name=op.f("fk_message_definition_sender_id")),
        sa.ForeignKeyConstraint(
            ["template_id"], ["message_template.id"], name=op.f("fk_message_definition_template_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_definition")),
        sa.UniqueConstraint("name", name=op.f("uq_message_definition_name")),
    )
    op.create_table(
        "definition_transformation",
        sa.Column("definition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("transformation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_id"],
            ["message_definition.id"],
            name=op.f("fk_definition_transformation_definition_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["transformation_id"],
            ["transformation.id"],
            name=op.f("fk_definition_transformation_transformation_id"),
        ),
        sa.PrimaryKeyConstraint(
            "definition_id", "transformation_id", name=op.f("pk_definition_transformation")
        ),
    )
    op.create_table(
        "definition_version",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("definition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "content",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("created_at", webapp.store.types.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["message_definition.id"], name=op.f("fk_definition_version_definition_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_definition_version")),
        sa.UniqueConstraint(
            "definition_id", "number", name=op.f("uq_definition_version_definition_id_number")
        ),
    )
    op.create_table(
        "transformation_result",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("invoice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("transformation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("media_type", sa.String(length=127), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_transformation_result_sha256")),
        sa.CheckConstraint("size >= 0", name=op.f("ck_transformation_result_size")),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["invoice.id"],
            name=op.f("fk_transformation_result_invoice_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["transformation_id"],
            ["transformation.id"],
            name=op.f("fk_transformation_result_transformation_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transformation_result")),
        sa.UniqueConstraint(
            "invoice_id",
            "transformation_id",
            "file_name",
            name=op.f("uq_transformation_result_invoice_id_transformation_id_file_name"),
        ),
    )
    with op.batch_alter_table("transformation_result", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_transformation_result_sha256"), ["sha256"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_transformation_result_transformation_id"), ["transformation_id"], unique=False
        )

    op.create_table(
        "run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("definition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("cluster_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("include_children", sa.Boolean(), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column(
            "bcc",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("resend_already_sent", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("highest_invoice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("made_up_to", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("promised", sa.String(length=64), nullable=False),
        sa.Column("start_when_made", sa.Boolean(), nullable=False),
        sa.Column("message_key", sa.String(length=32), nullable=False),
        sa.Column("created_by", sa.String(length=254), nullable=False),
        sa.Column("started_by", sa.String(length=254), nullable=False),
        sa.Column("created_at", webapp.store.types.Instant(timezone=True), nullable=False),
        sa.Column("started_at", webapp.store.types.Instant(timezone=True), nullable=True),
        sa.Column("finished_at", webapp.store.types.Instant(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('creating', 'created', 'running', 'stopped', 'finished')", name=op.f("ck_run_status")
        ),
        sa.CheckConstraint("period_from <= period_to", name=op.f("ck_run_period")),
        sa.ForeignKeyConstraint(["cluster_id"], ["cluster.id"], name=op.f("fk_run_cluster_id")),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["message_definition.id"], name=op.f("fk_run_definition_id")
        ),
        sa.ForeignKeyConstraint(["version_id"], ["definition_version.id"], name=op.f("fk_run_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_run_cluster_id"), ["cluster_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_run_definition_id"), ["definition_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_run_status"), ["status"], unique=False)

    op.create_table(
        "chosen_invoice",
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("invoice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_chosen_invoice_invoice_id")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_chosen_invoice_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "invoice_id", name=op.f("pk_chosen_invoice")),
    )
    op.create_table(
        "result",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lead_invoice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("warning", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("breaks", sa.Integer(), nullable=False),
        sa.Column("message_number", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(length=300), nullable=False),
        sa.Column(
            "recipients",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
        sa.Column("smtp_reply", sa.Text(), nullable=False),
        sa.Column("redirected", sa.Boolean(), nullable=False),
        sa.Column("removed_from", sa.String(length=16), nullable=False),
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("first_try_at", webapp.store.types.Instant(timezone=True), nullable=True),
        sa.Column("next_try_at", webapp.store.types.Instant(timezone=True), nullable=True),
        sa.Column("sent_at", webapp.store.types.Instant(timezone=True), nullable=True),
        sa.Column("changed_at", webapp.store.types.Instant(timezone=True), nullable=False),
        sa.Column("worker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("token", sa.String(length=32), nullable=True),
        sa.CheckConstraint(
            "status <> 'deferred' OR next_try_at IS NOT NULL", name=op.f("ck_result_deferred_has_a_time")
        ),
        sa.CheckConstraint(
            "status <> 'removed' OR removed_from <> ''", name=op.f("ck_result_removed_can_be_put_back")
        ),
        sa.CheckConstraint(
            "status <> 'sending' OR token IS NOT NULL", name=op.f("ck_result_sending_is_claimed")
        ),
        sa.CheckConstraint("status <> 'skipped' OR reason <> ''", name=op.f("ck_result_skipped_says_why")),
        sa.CheckConstraint(
            "status IN ('ready', 'sending', 'sent', 'deferred', 'failed', 'unconfirmed', 'bounced', 'skipped', 'removed')",
            name=op.f("ck_result_status"),
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_result_customer_id")),
        sa.ForeignKeyConstraint(["lead_invoice_id"], ["invoice.id"], name=op.f("fk_result_lead_invoice_id")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_result_run_id")),
        sa.ForeignKeyConstraint(["version_id"], ["definition_version.id"], name=op.f("fk_result_version_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_result_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_result")),
        sa.UniqueConstraint("run_id", "lead_invoice_id", name=op.f("uq_result_run_id_lead_invoice_id")),
    )
    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_result_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_result_lead_invoice_id"), ["lead_invoice_id"], unique=False)
        batch_op.create_index("ix_result_run_id", ["run_id", "id"], unique=False)
        batch_op.create_index("ix_result_run_status", ["run_id", "status", "id"], unique=False)
        batch_op.create_index(
            "ix_result_worker",
            ["worker_id"],
            unique=False,
            sqlite_where=sa.text("worker_id IS NOT NULL"),
            postgresql_where=sa.text("worker_id IS NOT NULL"),
        )

    op.create_table(
        "run_count",
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "worker_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_run_count_run_id")),
        sa.PrimaryKeyConstraint("run_id", "worker_id", "status", "reason", name=op.f("pk_run_count")),
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("result_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("mail_server_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("started_at", webapp.store.types.Instant(timezone=True), nullable=False),
        sa.Column("ended_at", webapp.store.types.Instant(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("message_id", sa.String(length=300), nullable=False),
        sa.Column(
            "recipients",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "bcc",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "refused",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("redirected_to", sa.String(length=254), nullable=False),
        sa.Column(
            "transcript",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("kept", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('sending', 'accepted', 'deferred', 'refused', 'unknown', 'broken', 'held', 'trouble', 'unmade')",
            name=op.f("ck_attempt_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["mail_server_id"], ["mail_server.id"], name=op.f("fk_attempt_mail_server_id")
        ),
        sa.ForeignKeyConstraint(["result_id"], ["result.id"], name=op.f("fk_attempt_result_id")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_attempt_run_id")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["definition_version.id"], name=op.f("fk_attempt_version_id")
        ),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_attempt_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attempt_result_id"), ["result_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_attempt_run_id"), ["run_id"], unique=False)

    op.create_table(
        "result_invoice",
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("invoice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("result_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("copy", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_result_invoice_invoice_id")),
        sa.ForeignKeyConstraint(["result_id"], ["result.id"], name=op.f("fk_result_invoice_result_id")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_result_invoice_run_id")),
        sa.PrimaryKeyConstraint("run_id", "invoice_id", name=op.f("pk_result_invoice")),
    )
    with op.batch_alter_table("result_invoice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_result_invoice_invoice_id"), ["invoice_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_result_invoice_result_id"), ["result_id"], unique=False)

    op.create_table(
        "reservation",
        sa.Column("definition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("invoice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("copy", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("result_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("attempt_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("taken_at", webapp.store.types.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_reservation_attempt_id")),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["message_definition.id"], name=op.f("fk_reservation_definition_id")
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_reservation_invoice_id")),
        sa.ForeignKeyConstraint(["result_id"], ["result.id"], name=op.f("fk_reservation_result_id")),
        sa.PrimaryKeyConstraint("definition_id", "invoice_id", "copy", name=op.f("pk_reservation")),
    )
    with op.batch_alter_table("reservation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reservation_result_id"), ["result_id"], unique=False)
    for statement in cluster_triggers.statements(op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("there is nothing before the first tables")
