"""The first store: drafts, runs, events, messages, claims, threads."""

import sqlalchemy as sa
from alembic import op

from bot.adapters.sql.dialects import APPEND_ONLY, APPEND_ONLY_REST

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _drafts_and_runs()
    _events()
    _messages()
    _claims_and_threads()


def downgrade() -> None:
    for table in ("threads", "claims", "messages", "events", "runs", "drafts"):
        op.drop_table(table)
    for statement in APPEND_ONLY_REST[op.get_context().dialect.name]:
        op.execute(statement)


def _drafts_and_runs() -> None:
    op.create_table(
        "drafts",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("nonce", sa.String(512), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_drafts"),
        sa.UniqueConstraint("nonce", name="uq_drafts_nonce"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("requester_id", sa.String(128), nullable=False),
        sa.Column("recipe", sa.String(128), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_status", "runs", ["status"])
    op.create_index("ix_runs_created_at_id", "runs", ["created_at", "id"])
    op.create_index("ix_runs_requester_id_created_at", "runs", ["requester_id", "created_at"])


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_events_run_id_runs"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_run_id_seq", "events", ["run_id", "seq"])
    for statement in APPEND_ONLY[op.get_context().dialect.name]:
        op.execute(statement)


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(512), nullable=False),
        sa.Column("run_id", sa.String(64)),
        sa.Column("thread_id", sa.String(512), nullable=False),
        sa.Column("activity_id", sa.String(512)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("is_dirty", sa.Boolean, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.UniqueConstraint("key", name="uq_messages_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_messages_run_id", "messages", ["run_id"])
    op.create_index("ix_messages_thread_id_activity_id", "messages", ["thread_id", "activity_id"])
    op.create_index("ix_messages_state_is_dirty", "messages", ["state", "is_dirty"])


def _claims_and_threads() -> None:
    op.create_table(
        "claims",
        sa.Column("key", sa.String(512), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_claims"),
    )
    op.create_index("ix_claims_at", "claims", ["at"])
    op.create_table(
        "threads",
        sa.Column("id", sa.String(512), nullable=False),
        sa.Column("first_seen_at", _MOMENT, nullable=False),
        sa.Column("last_seen_at", _MOMENT, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_threads"),
    )
