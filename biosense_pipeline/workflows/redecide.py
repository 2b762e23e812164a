"""Brings stored results into force after the model, the tolerance or the calibration in force has changed.

No picture is looked at: a decision follows from the distances of a still's faces, and those are stored.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from biosense_pipeline.local_time import floor_hour, local_now
from biosense_pipeline.matching.differences import Decided, Differences
from biosense_pipeline.matching.rule import Rule
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.candidates import processed_stills
from biosense_pipeline.store.stills.redecisions import Redecided, Redecision, ShownStill, redecide_stills
from biosense_pipeline.workflows.rules import load_rule
from biosense_pipeline.workflows.workbench import engine_spec, with_own_tolerance

#: Stills that one transaction locks and decides.
_AT_A_TIME = 500


class LeftAlone(StrEnum):
    """Why a processed still keeps its result."""

    NOT_EXAMINED = "not examined under the model in force; reprocess it"
    OUTDATED = "compared with another training image since; reprocess it"
    BUSY = "taken up by another process meanwhile"


@dataclass
class RedecisionReport:
    """What deciding again changed, or in a dry run would change.

    Attributes:
        rule: the one in force.
        rows_changed: stills whose result, percentage or number of faces changed in ``stream_img``.
        hours: full hours of ``capture_time`` in which results changed; they are due for the summary.
        left_alone: processed stills that were not decided again.
    """

    model_id: str
    rule: Rule
    differences: Differences = field(default_factory=Differences)
    rows_changed: int = 0
    hours: set[datetime] = field(default_factory=set)
    left_alone: Counter[LeftAlone] = field(default_factory=Counter)


Progress = Callable[[RedecisionReport], None]


def redecide(
    database: Database,
    settings: Settings,
    scope: Scope,
    *,
    dry_run: bool = False,
    run_id: str | None = None,
    on_progress: Progress = lambda report: None,
) -> RedecisionReport:
    """Decide the processed stills of the scope again, from stored distances and by the rule in force.

    Stills that failed are none of these: no rule changes that there was nothing to compare. Stopped at
    any point and run again, it changes what is left to change.

    Args:
        dry_run: write nothing.
        on_progress: called with the report so far, after each transaction.
    """
    model_id = engine_spec(settings).model_id
    report = RedecisionReport(model_id, load_rule(database, with_own_tolerance(settings), model_id))

    def decide(still: ShownStill) -> Redecision | None:
        if still.comparison is None or still.outdated:
            return None
        judgement = report.rule.judge(still.comparison.lan_id, still.comparison.distances)
        certainty = judgement.certainty
        return Redecision(
            judgement.decision.result,
            judgement.accuracy,
            len(still.comparison.distances),
            judgement.tolerance,
            certainty.llr if certainty else None,
            certainty.p_genuine if certainty else None,
            judgement.calibration_id,
        )

    for ids in processed_stills(database, scope, _AT_A_TIME):
        looked_at = redecide_stills(
            database,
            ids,
            model_id,
            decide,
            run_id=run_id,
            processed_time=local_now(settings.zone),
            dry_run=dry_run,
        )
        report.left_alone[LeftAlone.BUSY] += len(ids) - len(looked_at)
        for redecided in looked_at:
            _count(report, redecided)
        on_progress(report)
    return report


def _count(report: RedecisionReport, redecided: Redecided) -> None:
    still, decision = redecided.still, redecided.redecision
    if still.comparison is None:
        report.left_alone[LeftAlone.NOT_EXAMINED] += 1
        return
    if decision is None:
        report.left_alone[LeftAlone.OUTDATED] += 1
        return
    comparison = still.comparison
    # Where the row shows what another model found, its distance is not at hand.
    shown = comparison if comparison.result == still.result else None
    old = Decided(
        still.result or "", still.num_faces, shown.distance if shown else None, shown.tolerance if shown else None
    )
    new = Decided(decision.result, decision.num_faces, comparison.distance, decision.tolerance)
    report.differences.add(still.still_id, comparison.lan_id, old, new)
    report.rows_changed += redecided.changes_row
    if still.result != decision.result and comparison.capture_time is not None:
        report.hours.add(floor_hour(comparison.capture_time))
