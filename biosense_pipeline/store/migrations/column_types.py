"""Types and options that the migrations' tables have in common. Frozen: a change belongs into a new migration."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

MYSQL = ("mysql", "mariadb")
OPTIONS: dict[str, Any] = {
    f"{dialect}_{key}": value for dialect in MYSQL for key, value in (("engine", "InnoDB"), ("charset", "utf8mb4"))
}

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), *MYSQL)
IMAGE = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), *MYSQL)
LAN_ID = sa.String(512).with_variant(mysql.VARCHAR(512, collation="utf8mb4_bin"), *MYSQL)
