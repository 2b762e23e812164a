"""What an agent's stills are judged by: his own baseline of the day, or what is usual among all agents.

A baseline is made when a day's stills are first judged, of stills from before the day before: what is recognised a
day late then changes no baseline, and a day that is analysed while it goes on has the same one as by backfill. What
was found in them by then and not called a false alarm is left out: an attack must not become what is normal.

What is usual among all agents is taken from their own baselines of the days before, where enough of them have one,
and from development's figures else. It too is made once a day and stored.
"""

import hashlib
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise

from biosense_pipeline.codes import StillResult
from biosense_pipeline.matching.evidence.baseline import Baseline, Site, Sitting, personal_baseline
from biosense_pipeline.matching.evidence.presentation import measured, site, sitting
from biosense_pipeline.matching.evidence.recapture import RecaptureModel
from biosense_pipeline.matching.evidence.site_baseline import parameters_of, site_from, site_of_baselines
from biosense_pipeline.matching.evidence.still import EvidenceStill
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.baselines import StoredBaseline, read_baseline, write_baseline
from biosense_pipeline.store.evidence.site_baselines import (
    StoredSite,
    newest_baselines,
    read_site_baseline,
    write_site_baseline,
)
from biosense_pipeline.store.evidence.stills import captures_before
from biosense_pipeline.store.incidents.suspected_stills import SuspectedStills, suspected_stills
from biosense_pipeline.workflows.evidence_windows import evidence_window

#: A baseline is made of the last sittings before it, and of so many stills from the middle of each: several sittings
#: tell more than many stills of one.
_SITTINGS, _STILLS = 6, 30
#: A longer pause ends a sitting.
_PAUSE = timedelta(minutes=10)
#: Stills among which sittings are looked for: at one in ten seconds, some three days of work.
_CONSIDERED = 10_000
_SETTLED = timedelta(days=1)
#: Baselines older than this do not tell what is usual at the site now.
_OLDEST = timedelta(days=9)
#: Name among the parameters of a hash of the model, and of how many stills it judges, that the baseline was made with.
_MODEL = "model"


def baselines(database: Database, employee_id: int, model: RecaptureModel, window: int) -> Callable[[date], Baseline]:
    """The agent's baseline of a day; the usual one where there were too few stills for one of his own.

    Args:
        window: stills that are judged together by it.
    """
    version = hashlib.blake2b(repr((model.version, window)).encode(), digest_size=8).hexdigest()

    @cache
    def of_day(day: date) -> Baseline:
        stored = read_baseline(database, employee_id, day)
        outdated = stored is None or stored.features_id != model.features_id
        if stored is None or outdated or (stored.parameters and stored.parameters[_MODEL] != version):
            stored = _made(database, employee_id, day, model, window, version)
            write_baseline(database, employee_id, day, stored)
        if stored.parameters is not None:
            return Baseline.from_parameters(stored.parameters)
        return site_of_day(database, day, model, version).baseline()

    return of_day


def usual(model: RecaptureModel) -> Baseline:
    """The baseline of an agent of whom nothing is known, at a site of which nothing is known."""
    return site([], model).baseline()


def site_of_day(database: Database, day: date, model: RecaptureModel, version: str) -> Site:
    """What is usual among the site's agents on that day."""
    development, stored = site([], model), read_site_baseline(database, day)
    if stored is None or (stored.features_id, stored.version) != (model.features_id, version):
        own = newest_baselines(database, day - _OLDEST, day - _SETTLED - _SETTLED, model.features_id)
        kept = [Baseline.from_parameters(parameters) for parameters in own.values() if parameters[_MODEL] == version]
        made = site_of_baselines(kept, development)
        parameters = None if made is None else parameters_of(made)
        stored = StoredSite(model.features_id, version, len(kept), parameters)
        write_site_baseline(database, day, stored)
    return development if stored.parameters is None else site_from(stored.parameters)


def _made(
    database: Database, employee_id: int, day: date, model: RecaptureModel, window: int, version: str
) -> StoredBaseline:
    before = datetime.combine(day, time()) - _SETTLED
    captured = captures_before(database, employee_id, before, _CONSIDERED)[::-1]
    suspected = suspected_stills(database, employee_id, captured[0], before) if captured else SuspectedStills()
    captured = [moment for moment in captured if not suspected.at(moment)]
    sittings: list[Sitting] = []
    for start, end in reversed(_stretches(captured)):
        genuine = _genuine(database, employee_id, start, end, suspected)
        numbers, seen = measured(genuine, model)
        if seen:
            sittings.append(sitting(numbers, window))
        if len(sittings) == _SITTINGS:
            break
    own_baseline = personal_baseline(sittings, site_of_day(database, day, model, version))
    stills = sum(len(own.groups) for own in sittings)
    parameters = None if own_baseline is None else {**own_baseline.parameters(), _MODEL: version}
    return StoredBaseline(model.features_id, stills, len(sittings), parameters)


def _stretches(captured: list[datetime]) -> list[tuple[datetime, datetime]]:
    """First and last capture time of the middle of each sitting, in order."""
    if not captured:
        return []
    edges = [0, *(place + 1 for place, (one, other) in enumerate(pairwise(captured)) if other - one > _PAUSE)]
    stretches = []
    for begin, end in pairwise([*edges, len(captured)]):
        first = begin + max(0, end - begin - _STILLS) // 2
        stretches.append((captured[first], captured[min(end, first + _STILLS) - 1]))
    return stretches


def _genuine(
    database: Database, employee_id: int, start: datetime, end: datetime, suspected: SuspectedStills
) -> list[EvidenceStill]:
    """The stills of that time on which the agent was recognised alone, but for the suspected ones."""
    return [
        still
        for still in evidence_window(database, employee_id, start, end + timedelta(microseconds=1))
        if still.usable and still.result == StillResult.SUCCESS and not suspected.holds(still.still_id, still.captured)
    ]
