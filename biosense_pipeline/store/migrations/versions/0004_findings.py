"""A verdict is on a finding, a still and its result: another result of the same still is judged anew.

What waits for a reviewer has an index of its own, and the index on agent and time holds what the desk's strips
are made of: pages open as fast however much was reviewed before.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

from biosense_pipeline.store.migrations.adoption import (
    column_type,
    drop_index,
    ensure_column,
    ensure_index,
    ensure_rows,
)

revision = "0004"
down_revision = "0003"

CODES = [
    ("TRAINING", "PROPOSED", "A still proposed at the desk, which waits for its checks"),
    ("TRAINING", "PROPOSAL_FAILED", "A still proposed at the desk failed its checks; approved images stay in force"),
]


def upgrade() -> None:
    status = sa.table("status", sa.column("scope"), sa.column("code"), sa.column("meaning"))
    ensure_rows(status, [{"scope": scope, "code": code, "meaning": meaning} for scope, code, meaning in CODES])
    ensure_index("ix_review_finding", "review", ["subject_kind", "subject_id", "result", "round"], unique=True)
    drop_index("ix_review_round", "review")
    # Of the type that result has on this site: words of two character sets are not compared.
    word = column_type("stream_img", "result")
    ensure_column(
        "stream_img",
        sa.Column("reviewed_result", word, comment="The result on which reviewers said the last word"),
    )
    op.execute(
        "UPDATE stream_img SET reviewed_result = result WHERE id IN (SELECT subject_id FROM review"
        " WHERE subject_kind = 'STREAM' AND review.result = stream_img.result"
        " AND (round = 2 OR verdict <> 'CORRECT' OR review.result = 'SUCCESS_MULTIPLE_FACES'))"
    )
    ensure_column(
        "stream_img",
        sa.Column(
            "open_result",
            word,
            sa.Computed("CASE WHEN result = reviewed_result THEN NULL ELSE result END", persisted=False),
            comment="The result, unless it is the reviewed one",
        ),
    )
    ensure_index("ix_stream_img_open", "stream_img", ["open_result", "capture_time", "lan_id", "status"])
    drop_index("ix_stream_img_result", "stream_img")
    ensure_index("ix_stream_img_timeline", "stream_img", ["lan_id", "capture_time", "result", "status"])
    drop_index("ix_stream_img_agent", "stream_img")
