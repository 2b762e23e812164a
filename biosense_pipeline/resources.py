"""What assets, checks and sensors work with, configured from the environment (see ``settings``)."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from pydantic import Field

from biosense_pipeline.choices import Approval, EngineName
from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.settings import Settings, load_settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.schema import require_schema
from biosense_pipeline.workflows.workbench import Workbench, engine_spec, workbench


class DatabaseResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The database named by BIOSENSE_DATABASE_URL.

    The URL is no field of this resource: Dagster shows configuration to everybody who may see a run,
    and a URL may hold a password.
    """

    @contextmanager
    def connected(self) -> Iterator[Database]:
        """The database, its schema checked; connections are closed with the block."""
        database = self.database()
        try:
            require_schema(database)
            yield database
        finally:
            database.dispose()

    def database(self) -> Database:
        """A database that was not connected to yet."""
        return Database(load_settings().database_url.get_secret_value())


class RecogniserResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Detects, aligns, encodes and compares faces. What is left empty comes from the environment."""

    engine: EngineName | None = Field(
        default=None, description="DLIB, ONNX or FACE_RECOGNITION; default BIOSENSE_ENGINE"
    )
    workers: int | None = Field(
        default=None, ge=0, description="Processes per run, 0 for none; default BIOSENSE_WORKERS, or else one per core"
    )
    approval: Approval | None = Field(
        default=None, description="Who approves training images: AUTO or TEAM_LEAD; default BIOSENSE_APPROVAL"
    )

    @property
    def model_id(self) -> str:
        """The id of the model that encodes; no model is loaded for it."""
        return engine_spec(self.settings()).model_id

    @contextmanager
    def bench(self, database: Database, run_id: str | None = None) -> Iterator[Workbench]:
        """A workbench on the database; its worker processes end with the block."""
        with workbench(self.settings(), database, run_id) as bench:
            yield bench

    @contextmanager
    def candidate_bench(self, database: Database, settings: Settings, run_id: str | None = None) -> Iterator[Workbench]:
        """The same with other settings than those in force."""
        with workbench(settings, database, run_id) as bench:
            yield bench

    def settings(self) -> Settings:
        """The settings in force, with what this resource changes."""
        chosen = {"engine": self.engine, "workers": self.workers, "approval": self.approval}
        return load_settings().model_copy(update={name: value for name, value in chosen.items() if value is not None})


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn an error that a person can mend into a Failure with the same sentence."""
    try:
        yield
    except BiosenseError as error:
        raise dg.Failure(description=str(error)) from error


def default_resources() -> dict[str, object]:
    """The resources of the code location, by the names under which assets ask for them."""
    return {"database": DatabaseResource(), "recogniser": RecogniserResource()}
