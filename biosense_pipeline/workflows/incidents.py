"""Finds incidents in hours of stills, from what recognition and the analysis of presentation attacks stored.

An hour is always analysed whole, from the state at the end of the last hour before it that was analysed. So it does
not matter when and how often: live in small steps, by backfill, after a restart or in another order it comes to the
same. Where an hour ends in another state than it did before (a late still, a result that changed), the agent's
following hours are analysed again, until one ends as it did and nothing is open there.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from biosense_pipeline.codes import Species, StillResult
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.local_time import floor_hour
from biosense_pipeline.matching.incidents.assumptions import Assumptions
from biosense_pipeline.matching.incidents.detect import Detected, detect
from biosense_pipeline.matching.incidents.incident import Incident
from biosense_pipeline.matching.incidents.state import AgentState
from biosense_pipeline.matching.incidents.stills import IncidentStill, PresentationFinding
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.agents.employees import employee_ids
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.incidents.analyses import (
    AgentAnalysis,
    FoundIncident,
    HourState,
    Written,
    next_analysed_hours,
    states_at,
    states_before,
    store_analyses,
)
from biosense_pipeline.store.incidents.stills import OutcomeStill, agents_with_findings_across, outcome_stills
from biosense_pipeline.store.tables.pipeline import Employee
from biosense_pipeline.workflows.incident_settings import incident_assumptions
from biosense_pipeline.workflows.workbench import engine_spec

_HOUR = timedelta(hours=1)


@dataclass
class IncidentReport:
    """What an analysis did.

    Attributes:
        hours: those asked for.
        followed: agent-hours after those that were analysed again.
        agents, stills: with stills in the hours asked for, and these.
        open: incidents open at the end of the last hour analysed of an agent, by species.
    """

    hours: list[datetime]
    followed: int = 0
    agents: int = 0
    stills: int = 0
    open: Counter[Species] = field(default_factory=Counter)
    written: Written = field(default_factory=Written)


Progress = Callable[[IncidentReport], None]


def detect_incidents(
    database: Database,
    settings: Settings,
    hours: Iterable[datetime],
    *,
    lan_ids: Collection[str] | None = None,
    run_id: str | None = None,
    on_progress: Progress = lambda report: None,
) -> IncidentReport:
    """Analyse each of these full hours (naive local), and what follows from them.

    Args:
        lan_ids: only these agents; None: all with stills in an hour.
        on_progress: called before each hour, and each that is analysed again, with the report so far.
    """
    report = IncidentReport(sorted({floor_hour(hour) for hour in hours}))
    agents: set[int] = set()
    open_of: dict[int, list[Species]] = {}
    for hour in report.hours:
        # Of two analyses of one hour the second has to read after the first has written.
        with database.exclusive("incidents", "Another run is looking for incidents"):
            analysis = _Analysis(
                database, incident_assumptions(settings), engine_spec(settings).model_id, lambda: on_progress(report)
            )
            report.followed += analysis.end_of_hour_before(hour, lan_ids)
            looked_at = analysis.of_hour(hour, lan_ids)
            agents |= looked_at.keys()
            report.stills += sum(looked_at.values())
            report.followed += analysis.follow()
            report.written += store_analyses(database, list(analysis.found.values()), run_id)
        open_of |= {employee: state.open for employee, state in analysis.states.items()}
    report.agents = len(agents)
    report.open = Counter(species for own in open_of.values() for species in own)
    return report


@dataclass
class _Analysis:
    """An hour and the hours that have to be analysed again for it; written at the end, so that no half of it stays.

    Attributes:
        on_hour: called before each hour.
        found: by employee.
        states: at the end of the last hour analysed here, by employee.
        again: hours to be analysed again, and whose.
    """

    database: Database
    assumptions: Assumptions
    model_id: str
    on_hour: Callable[[], None] = lambda: None
    found: dict[int, AgentAnalysis] = field(default_factory=dict)
    states: dict[int, AgentState] = field(default_factory=dict)
    again: dict[datetime, set[int]] = field(default_factory=lambda: defaultdict(set))

    def of_hour(self, hour: datetime, lan_ids: Collection[str] | None) -> dict[int, int]:
        """Analyse the hour; returns the stills looked at by employee. Agents without any keep what was found before."""
        self.on_hour()
        stills = _stills_by_agent(self.database, hour, self.model_id, lan_ids)
        formerly = states_at(self.database, stills.keys(), hour)
        later = next_analysed_hours(self.database, stills.keys(), hour)
        # Where hours are analysed again, the state they start from is not written yet.
        before = states_before(self.database, stills.keys() - self.states.keys(), hour)
        for employee, own in stills.items():
            start = self.states.get(employee) or _state(before.get(employee))
            detected = detect(start, own, self.assumptions)
            self.states[employee] = detected.state
            analysis = self.found.setdefault(employee, AgentAnalysis(employee))
            state = _hour_state(detected, formerly.get(employee))
            analysis.states[hour] = state
            analysis.incidents |= {
                (str(incident.species), incident.first_still_id): _found(incident) for incident in detected.incidents
            }
            # What is open at the end was found as it stood then: only the following hours know how it went on.
            if employee in later and (state.changed or detected.state.open):
                self.again[later[employee]].add(employee)
        return {employee: len(own) for employee, own in stills.items()}

    def end_of_hour_before(self, hour: datetime, lan_ids: Collection[str] | None) -> int:
        """Analyse the hour before again for agents with a finding that lasts into this one.

        Whether it lasted at the end of that hour could not be known before this one was looked through.
        """
        across = agents_with_findings_across(self.database, hour)
        if lan_ids is not None:
            asked = set(map(agent_key, lan_ids))
            across = [lan_id for lan_id in across if agent_key(lan_id) in asked]
        analysed = states_at(self.database, employee_ids(self.database, across).values(), hour - _HOUR)
        return len(self.of_hour(hour - _HOUR, _lan_ids(self.database, analysed))) if analysed else 0

    def follow(self) -> int:
        """Analyse again what follows; returns how many hours of agents that was."""
        followed = 0
        while self.again:
            hour = min(self.again)
            employees = self.again.pop(hour)
            followed += len(employees)
            self.of_hour(hour, _lan_ids(self.database, employees))
        return followed


def _hour_state(detected: Detected, formerly: dict[str, Any] | None) -> HourState:
    still_open = [
        {
            "species": str(incident.species),
            "first_still_id": incident.first_still_id,
            "opened": incident.opened.isoformat(),
        }
        for incident in detected.incidents
        if incident.closed is None
    ]
    statistics = detected.state.stored()
    return HourState(statistics, still_open or None, changed=statistics != formerly)


def _found(incident: Incident) -> FoundIncident:
    return FoundIncident(
        str(incident.species),
        incident.first_still_id,
        incident.last_still_id,
        incident.opened,
        incident.closed,
        incident.peak,
        incident.stills,
        incident.explained(),
    )


def _state(stored: dict[str, Any] | None) -> AgentState:
    return AgentState() if stored is None else AgentState.from_stored(stored)


def _stills_by_agent(
    database: Database, hour: datetime, model_id: str, lan_ids: Collection[str] | None
) -> dict[int, list[IncidentStill]]:
    spelt = outcome_stills(database, hour, hour + _HOUR, model_id, lan_ids)
    ids = employee_ids(database, spelt)
    stills: dict[int, list[IncidentStill]] = defaultdict(list)
    for lan_id, own in spelt.items():
        stills[ids[agent_key(lan_id)]] += map(_still, own)
    return dict(stills)


def _still(outcome: OutcomeStill) -> IncidentStill:
    return IncidentStill(
        outcome.still_id,
        outcome.captured,
        # A word of the site's own says nothing.
        StillResult.__members__.get(outcome.result or ""),
        outcome.llr,
        outcome.num_faces,
        tuple(
            PresentationFinding(Species[finding.species], finding.llr, finding.still_ids, finding.goes_on)
            for finding in outcome.findings
            if finding.species in Species.__members__
        ),
    )


def _lan_ids(database: Database, employees: Collection[int]) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(select(Employee.lan_id).where(Employee.id.in_(employees))).scalars())
