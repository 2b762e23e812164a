"""A made-up site of any size for measuring the desk: agents, weeks of stills, results, summaries, reviews.

The server makes the rows from a few statements, so that millions take minutes. A quarter of the stills was
captured in the newest two hours, which for 1,000 agents and 3,000,000 stills is one every ten seconds as at
a real site; the others are spread over the working days of three weeks before.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Table, TextClause, bindparam, text

from biosense_pipeline.evaluation.desk_people import UNENROLLED, enter_people, picture
from biosense_pipeline.evaluation.desk_statements import (
    ATTEMPTS,
    FIRST_REVIEWS,
    LAST_WORDS,
    RESULTS,
    SECOND_REVIEWS,
    STILLS,
    SUMMARY,
)
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.review.findings import FINDINGS
from biosense_pipeline.store.tables.pipeline import ProcessStatus, StreamImage

#: Working days before today that hold stills, the hour at which each begins, and how long it takes.
_DAYS, _MORNING, _WORKDAY = 15, timedelta(hours=9), timedelta(hours=8)
_DENSE = timedelta(hours=2)
#: Stills made in one transaction.
_AT_A_TIME = 20_000


@dataclass(frozen=True)
class Site:
    """What was made. Findings: how many there are, and how many of them were reviewed."""

    agents: int
    stills: int
    findings: int
    reviewed: int
    team: str
    employee_ids: list[int]
    team_ids: list[int]


@dataclass(frozen=True)
class _Span:
    """Some turns in which every agent's camera writes a still."""

    start: datetime
    turns: int
    step: float


def fill_site(
    database: Database,
    *,
    agents: int,
    stills: int,
    now: datetime,
    model_id: str,
    password_hash: Callable[[str], str],
    on_progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Site:
    """Fill an empty, migrated database on MariaDB or MySQL.

    Args:
        stills: about so many; every agent has equally many.
        now: naive local; the last stills are of this moment.
        password_hash: gives the hash of the password of a user of that name.
        on_progress: told what is being made, and how much of it is done.
    """
    spans = _spans(agents, stills, now)
    total = agents * sum(span.turns for span in spans)
    # Building indexes of millions of rows keeps the server silent for longer than others wait for it.
    patient = Database(database.url, read_timeout=None)
    try:
        on_progress("agents", 0, agents)
        team = enter_people(patient, agents, now, model_id, password_hash)
        indexes = [table for table in (StreamImage.__table__, ProcessStatus.__table__) if isinstance(table, Table)]
        _without_indexes(patient, indexes)
        _number(patient, max(span.turns for span in spans))
        first = 1
        for span in spans:
            end = first
            for end in _enter_span(patient, span, agents, first, now, model_id):
                on_progress("stills", end - 1, total)
            _run(patient, SUMMARY, first=first, end=end)
            first = end
        on_progress("indexes", total, total)
        _with_indexes(patient, indexes)
        on_progress("reviews", total, total)
        findings, reviewed = _enter_reviews(patient, model_id)
        _analyse(patient)
        with patient.read() as connection:
            ids = [row[0] for row in connection.execute(text("SELECT id FROM employee ORDER BY id"))]
            of_team = text("SELECT id FROM employee WHERE team_lead = :team ORDER BY id")
            team_ids = [row[0] for row in connection.execute(of_team, {"team": team})]
    finally:
        patient.dispose()
    return Site(agents, total, findings, reviewed, team, ids, team_ids)


def _spans(agents: int, stills: int, now: datetime) -> list[_Span]:
    """The working days of three weeks, oldest first, and the last two hours."""
    turns = max(2 * _DAYS, stills // agents)
    of_day = max(1, turns * 3 // 4 // _DAYS)
    dense = turns - _DAYS * of_day
    days = [now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=back) for back in range(1, 30)]
    working = [day for day in days if day.weekday() < 5][:_DAYS]
    return [
        *(_Span(day + _MORNING, of_day, _WORKDAY.total_seconds() / of_day) for day in reversed(working)),
        _Span(now - _DENSE, dense, _DENSE.total_seconds() / dense),
    ]


def _enter_span(
    database: Database, span: _Span, agents: int, first: int, now: datetime, model_id: str
) -> Iterator[int]:
    """Stills of the span with what was found on them, some at a time; gives the id after the last."""
    jpeg = picture()
    at_a_time = max(1, _AT_A_TIME // agents)
    faces = [f'{{"box": [{left}, 120, {left + 130}, 250], "distance": 0.3, "sharpness": 180.5}}' for left in (220, 40)]
    for turn in range(0, span.turns, at_a_time):
        turns_end = min(span.turns, turn + at_a_time)
        end = first + (turns_end - turn) * agents
        _run(
            database,
            STILLS,
            image=jpeg,
            unprocessed=now - timedelta(seconds=20),
            unenrolled=UNENROLLED,
            first=first,
            agents=agents,
            start=span.start,
            step=span.step,
            turn=turn,
            turns_end=turns_end,
        )
        one, two = f"[{faces[0]}]", f"[{faces[0]}, {faces[1]}]"
        _run(database, RESULTS, model=model_id, one_face=one, two_faces=two, first=first, end=end)
        _run(database, ATTEMPTS, model=model_id, first=first, end=end)
        first = end
        yield end


def _enter_reviews(database: Database, model_id: str) -> tuple[int, int]:
    """All findings of the newest tenth were reviewed, since reviewers begin with these, and 19 of 20 of the others.

    A violation that was confirmed has its second review in three of four cases.
    """
    counted = _about_findings("SELECT COUNT(*) FROM stream_img WHERE result IN :findings")
    tenth = _about_findings(
        "SELECT id FROM stream_img WHERE result IN :findings ORDER BY id DESC LIMIT 1 OFFSET :skipped"
    )
    with database.read() as connection:
        findings = int(connection.execute(counted, {"findings": FINDINGS}).scalar_one())
        newest = connection.execute(tenth, {"findings": FINDINGS, "skipped": findings // 10}).scalar() or 0
    first = {"findings": FINDINGS, "model": model_id, "newest": newest}
    database.write(lambda connection: connection.execute(_about_findings(FIRST_REVIEWS), first))
    _run(database, SECOND_REVIEWS)
    _run(database, LAST_WORDS)
    with database.read() as connection:
        reviewed = connection.execute(text("SELECT COUNT(*) FROM review WHERE round = 1")).scalar_one()
    return findings, int(reviewed)


def _number(database: Database, most: int) -> None:
    """A table of the numbers from 0 to ``most``, to count turns with."""
    _run(database, "CREATE TABLE scratch_number (n INT PRIMARY KEY)")
    rows = [{"n": number} for number in range(most)]
    statement = text("INSERT INTO scratch_number (n) VALUES (:n)")
    database.write(lambda connection: connection.execute(statement, rows))


def _without_indexes(database: Database, tables: list[Table]) -> None:
    """Drop the indexes beside the primary key: built once in the end, each is sorted once."""
    for table in tables:
        for index in table.indexes:
            database.write(lambda connection, index=index: index.drop(connection))  # type: ignore[misc]


def _with_indexes(database: Database, tables: list[Table]) -> None:
    for table in tables:
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            database.write(lambda connection, index=index: index.create(connection))  # type: ignore[misc]


def _analyse(database: Database) -> None:
    names = "stream_img, recognition_result, process_status, agent_hour_summary, review, employee, train_img"
    with database.read() as connection:
        connection.execute(text(f"ANALYZE TABLE {names}")).all()


def _run(database: Database, sql: str, **parameters: object) -> None:
    database.write(lambda connection: connection.execute(text(sql), parameters))


def _about_findings(sql: str) -> TextClause:
    return text(sql).bindparams(bindparam("findings", expanding=True))
