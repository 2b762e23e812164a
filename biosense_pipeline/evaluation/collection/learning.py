"""A score for each species, trained on the stills that were collected: on everybody's, and without each in turn."""

import numpy as np

from biosense_pipeline.codes import Species
from biosense_pipeline.evaluation.collection.plan import GENUINE, REFERENCE
from biosense_pipeline.evaluation.collection.stills import Collected
from biosense_pipeline.evaluation.recapture.synthesis import GENUINE as PERSON
from biosense_pipeline.evaluation.recapture.synthesis import Stills
from biosense_pipeline.evaluation.recapture.training import fit
from biosense_pipeline.matching.evidence.recapture import RecaptureModel
from biosense_pipeline.vision.presentation.features import GROUPS

#: With fewer people it cannot be told what of it is the attack's and what a person's.
FEWEST_PEOPLE = 5
_ATTACK = "attack"


def people_with(stills: Collected, species: Species) -> list[str]:
    """Those who were taken in both sittings as they are, and in an attack of the species."""
    kinds = stills.names(species)
    everybody = dict.fromkeys(stills.people.tolist())
    return [
        person
        for person in everybody
        if stills.of(person, REFERENCE).any()
        and stills.of(person, GENUINE).any()
        and (stills.of(person, *kinds) & stills.held_out).any()
    ]


def trained_score(stills: Collected, species: Species, people: list[str]) -> RecaptureModel:
    """The score that tells a species, trained on some people.

    Trained as the scores that ship are: on what sets a person's attacks off from the person himself, and against what
    sets his two sittings off from one another.
    """
    material = _trials(stills, stills.names(species), people)
    return fit(material, tuple(GROUPS), {}, "")


def held_out_scores(stills: Collected, species: Species, people: list[str]) -> np.ndarray:
    """Of each still the score trained without its person, (n,); NaN for people of whom there is too little."""
    scores = np.full(len(stills.people), np.nan)
    for person in people:
        own = stills.people == person
        without = trained_score(stills, species, [other for other in people if other != person])
        scores[own] = without.fused(stills.features[own], stills.brightness[own])
    return scores


def _trials(stills: Collected, kinds: list[str], people: list[str]) -> Stills:
    """Each trial a genuine still of either sitting, the shorter one's stills in turns, and some of the attacks."""
    rows: list[int] = []
    styles: list[str] = []
    trials: list[int] = []
    for person in people:
        first, later, attacks = (np.flatnonzero(stills.of(person, *names)) for names in ([REFERENCE], [GENUINE], kinds))
        count, begin = max(len(first), len(later)), len(set(trials))
        for number in range(count):
            own = attacks[number::count]
            rows += [first[number % len(first)], later[number % len(later)], *own]
            styles += [PERSON, PERSON, *[_ATTACK] * len(own)]
            trials += [begin + number] * (2 + len(own))
    places = np.array(rows)
    return Stills(stills.features[places], np.array(styles), np.array(trials), stills.people[places])
