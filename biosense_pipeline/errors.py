"""Errors that a person can mend. Each text is one sentence that says what is wrong and what to do."""


class BiosenseError(Exception):
    """The work cannot go on; the command line exits with ``exit_code``, Dagster shows a Failure."""

    exit_code = 1


class WrongUse(BiosenseError):
    """What was asked for cannot be meant: a setting, an option or an argument has to change."""

    exit_code = 2


class DatabaseUnavailable(BiosenseError):
    """The database does not answer or refuses the connection."""


class SchemaOutdated(BiosenseError):
    """The database lacks a migration of this release, or comes from a newer one."""


class ModelFileMissing(BiosenseError):
    """A file with model weights is not where it should be."""
