"""The database: tables, migrations, claims and queries. Neither pictures nor Dagster."""
