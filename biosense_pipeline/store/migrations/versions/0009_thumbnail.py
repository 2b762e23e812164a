"""With each still's evidence a small grey picture of the whole still, to tell what moves with the face.

Revision ID: 0009
"""

import sqlalchemy as sa

from biosense_pipeline.store.migrations.adoption import ensure_column

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    ensure_column(
        "presentation_evidence",
        sa.Column(
            "thumbnail",
            sa.LargeBinary,
            comment="The still in grey levels, 64 wide; null: no face, or from before it was kept",
        ),
    )
