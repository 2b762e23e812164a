"""Gathers what a calibration is made of: pictures of known people, compared with everybody's references.

Whom a still shows is known where a supervisor said so. Before any review it is presumed, by the hour and
not by the still: an hour counts whose *median* distance lies far below the tolerance, and then all its
stills with one face count, those beyond the tolerance too. Choosing single stills by their distance would
cut off the genuine distribution at the very place that a calibration is about, and make it overconfident.
What remains is stated with every calibration: the largest hundredth of each hour is left out, since
somebody else may have sat there for a minute, and agents whose every hour is doubtful are missing, so that
false non-matches are understated. The tolerance itself does not suffer: it follows from impostors alone.

Confirmed stills are those very false non-matches: reviewers are asked about findings only, so every one of
them lies beyond the tolerance. Taken all, they would make genuine pictures look farther away than they are
wherever reviewers are diligent; so no more are taken than their share of all stills comes to, as far as the
verdicts tell it.

The margin counts from BIOSENSE_TOLERANCE and not from the tolerance in force, so that no calibration
chooses the material of its successor.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import numpy as np

from biosense_pipeline.lan_ids import agent_key, registered_form
from biosense_pipeline.matching.benchmark import Reference, ReferenceState
from biosense_pipeline.matching.comparisons import AgentPair, Comparisons, Kind
from biosense_pipeline.matching.distance import distances
from biosense_pipeline.store.calibration.pairs import (
    ComparedStill,
    approved_images,
    compared_stills,
    confirmed_stills,
    false_alarm_share,
    working_hours,
)
from biosense_pipeline.store.stills.pictures import pictures
from biosense_pipeline.store.tables.pipeline import StreamImage
from biosense_pipeline.workflows.enrol import find_references
from biosense_pipeline.workflows.workbench import Workbench

#: An hour is presumed to show its agent where the median distance is at most this share of BIOSENSE_TOLERANCE.
MARGIN = 0.8
#: Share of an hour's stills, those farthest from the benchmark, that are left out of it.
TRIMMED = 0.01
#: Stills with one face that an hour needs, those taken from it, and those taken of an agent: neighbours
#: repeat each other, other hours bring other light.
FEWEST_IN_HOUR, _PER_HOUR, _PER_AGENT = 10, 3, 30
#: References of an agent beside the newest that count as pictures too.
_OTHER_IMAGES = 2
#: A still as near as this to a reference is the very picture, proposed and approved as a training image.
_ITSELF = 1e-4


@dataclass(frozen=True)
class Agent:
    """Somebody who can be compared with: a LAN id, and a reference that is READY."""

    lan_id: str
    reference: Reference

    def distances(self, probes: np.ndarray, images: np.ndarray) -> np.ndarray:
        """From each probe the distance to the nearest reference, as stills are decided by: (n,).

        Args:
            probes: (n, d) encodings.
            images: int (n,), the reference that a probe is, which is compared with the others; 0 for none.
        """
        table = np.array([distances(encoding, probes) for encoding in self.reference.encodings])
        table[np.equal.outer(self.reference.training_image_ids, images)] = np.inf
        return np.asarray(table.min(axis=0))


@dataclass(frozen=True)
class KnownStill:
    """A still that shows the agent of that key, and its stored distance."""

    key: str
    kind: Kind
    still: ComparedStill


@dataclass(frozen=True)
class Found:
    """The stills of one source, and what there is to say about how they were chosen."""

    stills: list[KnownStill] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)


#: Where stills of known people come from. Agents are given by registered :func:`agent_key`.
Source = Callable[[Workbench, Mapping[str, Agent]], Found]


@dataclass(frozen=True)
class Material:
    """Comparisons, what was left out of them and why, and the capture times they come from."""

    comparisons: Comparisons
    one_person: list[AgentPair]
    notes: dict[str, Any]
    window: tuple[datetime, datetime] | None


def gather(bench: Workbench, sources: Sequence[Source]) -> Material:
    """Encode known stills again and compare each with everybody's references, and the benchmarks with each other.

    Encodings of stills are not stored: the distance from the own reference is, and from nobody else's.
    """
    agents = _agents(bench)
    people = {key: position for position, key in enumerate(agents)}
    found = [source(bench, agents) for source in sources]
    chosen: dict[int, KnownStill] = {}
    for known in [known for of_source in found for known in of_source.stills]:
        chosen.setdefault(known.still.id, known)  # of two sources, the earlier one knows better
    notes = {name: value for of_source in found for name, value in of_source.notes.items()}
    shows, kinds, encodings, shifts, times = [], [], [], [], []
    images: list[int] = []
    for still_id, encoding in _encoded(bench, list(chosen)):
        known = chosen[still_id]
        nearest = agents[known.key].reference.nearest([encoding])[0].distance
        if nearest < _ITSELF:
            continue
        shows.append(people[known.key])
        kinds.append(known.kind)
        encodings.append(encoding)
        images.append(0)
        times.append(known.still.capture_time)
        if known.still.reference_id in agents[known.key].reference.training_image_ids:
            shifts.append(abs(nearest - known.still.distance))
    for key, image_id, encoding in _other_references(agents):
        shows.append(people[key])
        kinds.append(Kind.TRAINING)
        encodings.append(encoding)
        images.append(image_id)
    benchmarks = [agent.reference.encodings[0] for agent in agents.values()]
    probes = np.array([*encodings, *benchmarks])
    images += [0] * len(benchmarks)
    comparisons = Comparisons.between(
        [agent.lan_id for agent in agents.values()],
        [*shows, *range(len(agents))],
        [*kinds, *[Kind.BENCHMARK] * len(agents)],
        np.array([agent.distances(probes, np.array(images)) for agent in agents.values()]).T,
    )
    one_person = comparisons.suspected()
    notes |= {
        "stills_chosen": len(chosen),
        "stills_compared": len(times),
        # What was stored then and what is found now: a large shift tells that something has changed.
        "distance_shift_p95": round(float(np.percentile(shifts, 95)), 4) if shifts else None,
    }
    return Material(comparisons.joined(one_person), one_person, notes, (min(times), max(times)) if times else None)


def confirmed(bench: Workbench, agents: Mapping[str, Agent]) -> Found:
    """Stills called UNKNOWN_PERSON that reviewers said show their agent: as many as their share of all stills is."""
    settings = bench.settings
    known = confirmed_stills(bench.database, settings.calibration_days, bench.model_id)
    share = false_alarm_share(bench.database, settings.calibration_days)
    candidates = [(key, still) for key in sorted(agents.keys() & known.keys()) for still in known[key]]
    most = math.ceil(share * settings.calibration_stills)
    taken: dict[str, list[KnownStill]] = defaultdict(list)
    for position in np.random.default_rng(0).permutation(len(candidates)):
        key, still = candidates[position]
        if most and len(taken[key]) < _PER_AGENT:
            taken[key].append(KnownStill(key, Kind.CONFIRMED, still))
            most -= 1
    return Found(
        [known for of_agent in taken.values() for known in of_agent],
        {"confirmed_stills": len(candidates), "false_alarm_share": round(share, 5)},
    )


def presumed_stills(bench: Workbench, agents: Mapping[str, Agent]) -> Found:
    """Stills of hours in which the agent was recognised far below the tolerance, spread over agents and hours."""
    settings = bench.settings
    hours = working_hours(bench.database, settings.calibration_days, FEWEST_IN_HOUR)
    quota = min(_PER_AGENT, math.ceil(settings.calibration_stills / max(1, len(agents))))
    rng = np.random.default_rng(0)
    asked: dict[datetime, list[str]] = defaultdict(list)
    for key in sorted(agents.keys() & hours.keys()):
        # Twice the hours that the stills would fill: not every hour is presumed to be the agent's.
        wanted = min(len(hours[key]), 2 * math.ceil(quota / _PER_HOUR))
        for position in rng.choice(len(hours[key]), wanted, replace=False):
            asked[hours[key][position]].append(key)
    taken: dict[str, list[KnownStill]] = defaultdict(list)
    seen = presumed = 0
    for hour in rng.permutation(np.array(sorted(asked), dtype=object)):
        waiting = {key: agents[key] for key in asked[hour] if len(taken[key]) < quota}
        lan_ids = [agent.lan_id for agent in waiting.values()]
        references = {image_id for agent in waiting.values() for image_id in agent.reference.training_image_ids}
        for key, stills in compared_stills(bench.database, hour, lan_ids, bench.model_id, references).items():
            if len(stills) < FEWEST_IN_HOUR or key not in waiting:
                continue
            seen += 1
            if np.median([still.distance for still in stills]) > MARGIN * settings.tolerance:
                continue
            presumed += 1
            kept = sorted(stills, key=lambda still: still.distance)[: len(stills) - int(TRIMMED * len(stills))]
            room = min(_PER_HOUR, quota - len(taken[key]))
            taken[key] += [
                KnownStill(key, Kind.PRESUMED, kept[position])
                for position in rng.choice(len(kept), room, replace=False)
            ]
    return Found(
        [known for of_agent in taken.values() for known in of_agent],
        {
            "hours_looked_at": seen,
            "hours_presumed": presumed,
            "presumed_below": round(MARGIN * settings.tolerance, 4),
            "trimmed_share": TRIMMED,
        },
    )


def _agents(bench: Workbench) -> dict[str, Agent]:
    """Everybody who can be compared with, by registered :func:`agent_key` and in its order."""
    spelt = {key: images[0][1] for key, images in approved_images(bench.database).items()}
    references = find_references(bench, list(spelt.values()))
    agents = {}
    for key, lan_id in spelt.items():
        reference = references[key]
        if reference.state is ReferenceState.READY:
            agents[agent_key(registered_form(lan_id))] = Agent(lan_id, reference)
    return dict(sorted(agents.items()))


def _encoded(bench: Workbench, still_ids: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """Encodings of those stills on which one face is found again."""
    stored = pictures(bench.database, StreamImage, still_ids, bench.settings.max_image_bytes)
    # In full: so is every still that is not clearly the agent's, and a tolerance belongs to the way its distances
    # were made. What a quick look settles lies within it by more.
    for still_id, examination in bench.examine(stored):
        if len(examination.faces) == 1:
            yield still_id, examination.faces[0].encoding


def _other_references(agents: Mapping[str, Agent]) -> Iterator[tuple[str, int, np.ndarray]]:
    """Agent, id and encoding of references that are not the newest."""
    for key, agent in agents.items():
        others = zip(agent.reference.training_image_ids[1:], agent.reference.encodings[1:], strict=True)
        yield from ((key, image_id, encoding) for image_id, encoding in islice(others, _OTHER_IMAGES))
