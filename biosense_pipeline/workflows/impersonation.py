"""Is this a person or a picture of one? IMPERSONATION over each agent's last stills.

For every still of a time the window that ends with it is judged, by what recognition stored: no picture is read. A
pure function of the stored stills: run while they come and run over the day afterwards, it leaves the same findings.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from biosense_pipeline.codes import Species
from biosense_pipeline.local_time import floor_hour
from biosense_pipeline.matching.evidence.findings import Excursion, excursions
from biosense_pipeline.matching.evidence.ordering import LOOKBACK
from biosense_pipeline.matching.evidence.print_windows import BaselineOf, PrintWindows
from biosense_pipeline.matching.evidence.recapture import RecaptureModel, RecaptureModelUnusable
from biosense_pipeline.matching.evidence.stretch import Stretch
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.agents.employees import of_these
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.findings import (
    Continued,
    FindingRow,
    agents_with_findings,
    replace_findings,
)
from biosense_pipeline.store.evidence.stills import agents_with_evidence, captures_before
from biosense_pipeline.store.evidence.windows import WindowRow
from biosense_pipeline.workflows.baselines import baselines
from biosense_pipeline.workflows.evidence_windows import evidence_window
from biosense_pipeline.workflows.judged_before import JudgedBefore
from biosense_pipeline.workflows.own_scores import judging_model
from biosense_pipeline.workflows.side_by_side import side_by_side

#: How far back the beginning of what goes on is looked for where the time before was not analysed.
_FURTHER_BACK = timedelta(hours=1)
_FARTHEST_BACK = timedelta(hours=24)


@dataclass
class ImpersonationReport:
    """What the analysis of some time found.

    Attributes:
        agents: with stills in that time.
        stills: judged; those that were judged before, by the same rules, are not judged again.
        findings: that began in that time, by species.
        rows_changed: findings that are new, gone, or other than before.
        not_judged: species that could not be looked for, with the reason.
    """

    start: datetime
    end: datetime
    agents: int = 0
    stills: int = 0
    findings: Counter[Species] = field(default_factory=Counter)
    rows_changed: int = 0
    not_judged: dict[Species, str] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, judged: "_Judged") -> None:
        """Count what was found of one agent and hour."""
        self.stills += judged.stills
        self.findings.update(judged.findings)
        self.rows_changed += judged.rows_changed


Progress = Callable[[ImpersonationReport], None]


def detect_impersonation(
    database: Database,
    settings: Settings,
    start: datetime,
    end: datetime,
    *,
    lan_ids: Collection[str] | None = None,
    run_id: str | None = None,
    on_progress: Progress = lambda report: None,
    monotonic: Callable[[], float] = time.monotonic,
) -> ImpersonationReport:
    """Judge the window of every still captured in ``[start, end)`` (naive local), of each agent.

    Findings of that time that are no longer found are removed. Stopped at any point and run again, it changes what is
    left to change.

    Args:
        lan_ids: only these agents; None: all.
        on_progress: called after each agent with the report so far.

    Raises:
        WrongUse: a score of the operator's own is named and cannot be used.
    """
    begin = monotonic()
    report = ImpersonationReport(start, end)
    means = _Means(database, settings, _model(settings, report), run_id)
    # The embedded database has one writer at a time.
    processes = 0 if database.is_sqlite else settings.workers
    seen: set[int] = set()
    with side_by_side(_judged, means, processes) as workers:
        for piece_start, piece_end in _hours(start, end):
            agents = of_these(database, agents_with_evidence(database, piece_start, piece_end), lan_ids)
            seen.update(agents)
            found_before = of_these(database, agents_with_findings(database, piece_start, piece_end), lan_ids)
            gone = set(found_before) - set(agents)
            tasks = [_Task(employee_id, piece_start, piece_end) for employee_id in [*agents, *sorted(gone)]]
            for judged in workers.each(tasks):
                report.add(judged)
                report.agents, report.seconds = len(seen), monotonic() - begin
                on_progress(report)
    return report


def _hours(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The time, cut at every full hour."""
    while start < end:
        following = min(end, floor_hour(start) + timedelta(hours=1))
        yield start, following
        start = following


def stretch_of(
    database: Database,
    settings: Settings,
    employee_id: int,
    start: datetime,
    end: datetime,
    model: RecaptureModel | None,
    baseline_of: BaselineOf | None,
) -> Stretch:
    """The agent's stills of ``[start, end)`` with those before them that say something of their windows."""
    earliest = _earliest(database, settings, employee_id, start)
    stills = evidence_window(database, employee_id, earliest - LOOKBACK, end, prints_from=earliest)
    prints = None if model is None or baseline_of is None else PrintWindows(stills, model, baseline_of)
    return Stretch(stills, settings.impersonation_window, _gap(settings), prints)


def _earliest(database: Database, settings: Settings, employee_id: int, start: datetime) -> datetime:
    """Capture time of the earliest still that may share a window with one from ``start`` on."""
    earliest = start
    for moment in captures_before(database, employee_id, start, 3 * settings.impersonation_window):
        if earliest - moment > _gap(settings):
            break
        earliest = moment
    return earliest


def _gap(settings: Settings) -> timedelta:
    return timedelta(minutes=settings.impersonation_gap_minutes)


class _Means(NamedTuple):
    """What agents are judged with."""

    database: Database
    settings: Settings
    model: RecaptureModel | None
    run_id: str | None


class _Task(NamedTuple):
    """An agent and a time within one hour."""

    employee_id: int
    start: datetime
    end: datetime


class _Judged(NamedTuple):
    """What was found of a task: as a report counts it."""

    stills: int = 0
    findings: tuple[Species, ...] = ()
    rows_changed: int = 0


def _judged(means: _Means, task: _Task) -> _Judged:
    return _Agent(means, task.employee_id).analyse(task.start, task.end)


class _Agent:
    """The analysis of one agent's stills, within one hour."""

    def __init__(self, means: _Means, employee_id: int) -> None:
        database, settings, model, self._run_id = means
        self._database = database
        self._settings = settings
        self._employee_id = employee_id
        self._model = model
        self._version = None if model is None else model.version
        self._ids = {} if model is None else {score.name: score.score_id for score in model.own}
        self._baseline_of = (
            None if model is None else baselines(database, employee_id, model, settings.impersonation_window)
        )

    def analyse(self, start: datetime, end: datetime) -> _Judged:
        """Judge the stills of ``[start, end)``, without those of a whole hour that were judged already."""
        # Of two that judge the same stills the second has to see what the first has written.
        with self._database.exclusive(f"impersonation.{self._employee_id}", "Another run is judging the same agent"):
            # Windows begin before the hour, and each looks back from there.
            since = _earliest(self._database, self._settings, self._employee_id, start) - LOOKBACK
            judged = JudgedBefore(self._database, self._employee_id, since, start, end, self._rules(start))
            return _Judged() if judged.begin is None else self._judge(judged.begin, end, judged)

    def _judge(self, start: datetime, end: datetime, judged: JudgedBefore) -> _Judged:
        """Find, and store; where something goes on that began before any analysis, from further back."""
        begin, changed = start, 0
        while True:
            stretch = stretch_of(
                self._database, self._settings, self._employee_id, begin, end, self._model, self._baseline_of
            )
            found = excursions(stretch, begin, end, self._settings.impersonation_bound)
            new = [_finding(excursion, self._ids) for excursion in found if excursion.begun is None]
            replaced = replace_findings(
                self._database,
                self._employee_id,
                begin,
                end,
                new,
                [
                    Continued(excursion.species, excursion.begun, excursion.last.still_id, excursion.last.captured)
                    for excursion in found
                    if excursion.begun is not None
                ],
                [
                    WindowRow(excursion.species, still.still_id, still.captured, round(llr, 4))
                    for excursion in found
                    for still, llr in excursion.windows
                ],
                self._run_id,
                also=lambda connection: judged.remember(connection, self._run_id),
            )
            changed += replaced.changed
            if not replaced.beginnings_unknown or start - begin >= _FARTHEST_BACK:
                break
            begin -= _FURTHER_BACK
        return _Judged(
            sum(start <= still.captured < end for still in stretch.stills),
            tuple(row.species for row in new if row.captured >= start),
            changed,
        )

    def _rules(self, start: datetime) -> str:
        """All that decides beside the stills."""
        baseline = None if self._baseline_of is None else self._baseline_of(start.date()).parameters()
        settings = self._settings
        own = settings.impersonation_window, settings.impersonation_bound, settings.impersonation_gap_minutes
        # The last word is for what each hour leaves: where that changes, hours are judged anew.
        return repr((own, self._version, baseline, "windows"))


def _finding(excursion: Excursion, ids: Mapping[str, str]) -> FindingRow:
    """Args: ids: of the operator's own scores, by name; those that the finding follows from are kept with it."""
    numbers = {name: round(value, 4) for name, value in excursion.found.numbers.items()}
    from_own = {f"{name}_id": score_id for name, score_id in ids.items() if f"{name}_spreads" in numbers}
    return FindingRow(
        excursion.species,
        excursion.first.still_id,
        excursion.first.captured,
        round(excursion.found.llr, 4),
        excursion.last.still_id,
        excursion.last.captured,
        {**numbers, **from_own},
        excursion.found.still_ids,
    )


def _model(settings: Settings, report: ImpersonationReport) -> RecaptureModel | None:
    """The model that prints and screens are judged by; what is found without one is found all the same."""
    try:
        model = judging_model(settings)
    except RecaptureModelUnusable as error:
        report.not_judged[Species.PRINT] = str(error)
        model = None
    if model is None or not any(Species.SCREEN in score.measured.distances for score in model.own):
        report.not_judged[Species.SCREEN] = "not measured: there is no score of your own that was measured on screens"
    return model
