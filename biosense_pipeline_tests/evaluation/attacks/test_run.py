"""A whole evaluation on stills that were examined already."""

import json
from pathlib import Path

import numpy as np
import pytest

from biosense_pipeline.evaluation.attacks.acquisition import AcquiredFolder, acquire_folders
from biosense_pipeline.evaluation.attacks.folders import StillFile, StillFolder
from biosense_pipeline.evaluation.attacks.numbers import numbers
from biosense_pipeline.evaluation.attacks.report import render
from biosense_pipeline.evaluation.attacks.run import AttackOptions, AttackRun, NothingToJudge, evaluate_attacks
from biosense_pipeline.evaluation.attacks.system import MatcherReferences
from biosense_pipeline.matching.evidence.recapture import RecaptureModelUnusable
from biosense_pipeline.settings import Settings
from biosense_pipeline.workflows.workbench import make_examiner
from biosense_pipeline_tests.evaluation.attacks.material import MODEL, acquired, sequence

SUBJECTS = [f"s{number}" for number in range(6)]
#: As the command's users know them.
KEYS = {"stills", "eer_single", "eer_window", "apcer_at_bpcer_1_window", "apcer_at_bpcer_5_window", "iapar"}


def genuine(name: str = "genuine", session: str = "2") -> AcquiredFolder:
    """Twenty genuine stills of each subject, each with a level of the own."""
    return acquired(name, [sequence(who, session, 20, n - 3.0, moving=True) for n, who in enumerate(SUBJECTS)])


def prints(name: str, above: float, *, moving: bool = False, stranger: bool = False) -> AcquiredFolder:
    """Fifteen attack stills of each subject, so far above the subject's level, and one without a face."""
    return acquired(
        name,
        [sequence(who, "p", 15, n - 3.0 + above, moving=moving, stranger=stranger) for n, who in enumerate(SUBJECTS)],
        dict.fromkeys(SUBJECTS, 1),
    )


def run(*attacks: AcquiredFolder, reference: bool = True, **options: float) -> AttackRun:
    """Evaluate with few resamples."""
    earlier = genuine("reference", "1") if reference else None
    chosen = AttackOptions(resamples=100, **options)  # type: ignore[arg-type]
    return evaluate_attacks(Settings(), MODEL, "model", genuine(), list(attacks), earlier, chosen)


def test_clear_prints_are_all_found() -> None:
    """Prints far above each subject's own level are found though no common threshold would do; all keys are there."""
    told = numbers(run(prints("paper", 4.0)))
    assert set(told) >= KEYS
    assert json.loads(json.dumps(told)) == told
    assert (told["eer_window"], told["apcer_at_bpcer_1_window"], told["iapar"]) == (0, 0, 0)
    assert told["stills"] == 6 * 20 + 6 * 15
    assert told["species"][0]["windows"] == 6 * 4
    assert told["genuine_windows"] == 6 * 9
    assert told["species"][0]["accepted_by_matcher"] == pytest.approx(15 / 16)
    assert told["subjects_with_own_baseline"] == 6


def test_the_worst_species_leads() -> None:
    """Attacks that look and move like the subject are not found, and their figures lead over the easy ones."""
    told = numbers(run(prints("paper", 4.0), prints("puppet", 0.0, moving=True)))
    assert told["worst_species"]["eer_window"] == "puppet"
    assert told["eer_window"] == told["species"][1]["eer_window"] > 0.3
    assert told["species"][0]["eer_window"] == 0 < told["pooled"]["eer_window"] < told["eer_window"]
    # Half of all attacks and a still of 16 without a face are stopped, hardly any puppet is.
    assert told["iapar"] > 0.6
    assert told["pooled"]["iapar"] == pytest.approx(told["iapar"] / 2, abs=0.05)


def test_who_is_a_stranger_to_the_matcher_is_not_accepted() -> None:
    """IAPAR is of the whole system: what the matcher rejects is no accepted attack."""
    told = numbers(run(prints("puppet", 0.0, moving=True, stranger=True)))
    assert told["iapar"] == 0
    assert told["species"][0]["accepted_by_matcher"] == 0
    assert told["eer_window"] > 0.3


def test_without_reference() -> None:
    """Without reference stills the pooled baseline judges, and the remarks say so."""
    told = numbers(run(prints("paper", 4.0), reference=False))
    assert told["subjects_with_own_baseline"] == 0
    assert told["genuine_reference"] is None
    assert any("--genuine-reference" in remark for remark in told["remarks"])
    assert any("matcher" in remark for remark in told["remarks"])


def test_a_stranger_among_the_attacked() -> None:
    """An attacked subject without genuine stills is judged by the pooled baseline, and cannot be matched."""
    paper = acquired("paper", [sequence("s1", "p", 12, 2.0, moving=False), sequence("new", "p", 12, 2.0, moving=False)])
    told = numbers(run(paper))
    assert told["subjects_with_own_baseline"] == 6
    assert told["subjects"] == 7
    assert sum("new" in remark for remark in told["remarks"]) == 3
    # Of the 24 attack stills the 12 of a known subject count.
    assert told["species"][0]["accepted_by_matcher"] == 1


def test_who_is_seen_in_no_attack_still_was_not_let_in() -> None:
    """Attack stills without a face count as rejected, also where a known subject has no others."""
    paper = acquired("paper", [sequence("s1", "p", 10, 0.0, moving=True)], {"s2": 30})
    told = numbers(run(paper))
    assert told["species"][0]["accepted_by_matcher"] == pytest.approx(10 / 40)


def test_many_stills_without_a_face_are_told_of() -> None:
    """Where a folder has more than a few stills without a face, a remark says how many."""
    rows = [sequence(who, "p", 15, 4.0, moving=False) for who in SUBJECTS]
    few, many = (numbers(run(acquired("paper", rows, {"s1": missed})))["remarks"] for missed in (1, 30))
    assert not any("No face" in remark for remark in few)
    assert any("No face was found in 30 of" in remark and "rejected" in remark for remark in many)


def test_nothing_but_strangers_to_match() -> None:
    """Without any subject to match there is no IAPAR, and the rest is told."""
    told = numbers(run(acquired("paper", [sequence("new", "p", 12, 9.0, moving=False)])))
    assert told["iapar"] is None
    assert told["eer_window"] is not None


def test_sequences_too_short_for_a_window() -> None:
    """Where a kind has only single stills, windows have no figures, and single stills have."""
    singles = acquired("paper", [sequence("s1", f"p{n}", 1, 9.0, moving=False) for n in range(5)])
    told = numbers(run(singles))
    assert told["eer_window"] is None
    assert told["eer_single"] is not None
    assert told["iapar"] is not None


def test_a_species_has_its_figures_whatever_others_are_named() -> None:
    """One species of short sequences changes no figure of another's."""
    short = acquired("strips", [sequence(who, "p", 3, 4.0, moving=False) for who in SUBJECTS])
    rows = [sequence(who, f"p{n}", n, 1.0, moving=True) for who in SUBJECTS for n in (4, 15)]
    alone, beside = (numbers(run(*others, acquired("paper", rows))) for others in ([], [short]))
    assert beside["species"][-1] == alone["species"][0]
    assert beside["species"][0]["windows"] == len(SUBJECTS)


def test_the_bpcer_told_is_the_one_observed() -> None:
    """Where IAPAR was measured, BPCER is what the genuine windows show, and none is claimed without windows."""
    told = numbers(run(prints("paper", 4.0)))["iapar_operating_point"]
    assert told["bpcer_window"] == 0  # one in a hundred of 54 windows is none
    assert told["bpcer_single"] == pytest.approx(1 / 120, abs=1e-6)
    alone = run(acquired("paper", [sequence("s1", f"p{n}", 1, 9.0, moving=False) for n in range(5)]))
    assert numbers(alone)["iapar_operating_point"]["bpcer_window"] is None
    assert "BPCER of windows here: none" in render(alone)


def test_a_model_for_other_features(tmp_path: Path) -> None:
    """Scores of a model that was made for other features would be nonsense: it is refused before any still is read."""
    folder = StillFolder(tmp_path, "genuine", (StillFile(tmp_path / "a" / "1.jpg", "a", "", 0),), ())
    with pytest.raises(RecaptureModelUnusable, match="two-1"):
        acquire_folders(make_examiner(Settings(workers=0)), [folder], MODEL, 10.0)


def test_no_face_at_all() -> None:
    """Where not one attack still shows a face there is nothing to measure."""
    with pytest.raises(NothingToJudge, match="paper"):
        run(acquired("paper", []))


def test_the_same_again() -> None:
    """The same stills give the same figures."""
    one, other = (numbers(run(prints("paper", 1.0))) for _ in range(2))
    for told in (one, other):
        del told["finished"]
    assert one == other


def test_references_of_the_matcher() -> None:
    """Five stills stand for the approved images, and who has none has no distance."""
    references = MatcherReferences(genuine(), None)
    nearest = references.nearest("s1", genuine().of("s1")[0].encodings)
    assert nearest is not None
    assert np.sum(nearest == 0) == 5
    assert references.nearest("nobody", np.zeros((1, 32))) is None
    assert references.from_test == SUBJECTS


def test_report() -> None:
    """The report names every species and escapes what names hold."""
    page = render(run(prints("<b>paper</b>", 4.0), prints("puppet", 0.0, moving=True)))
    assert "&lt;b&gt;paper&lt;/b&gt;" in page
    assert "<b>paper" not in page
    assert page.count("data:image/svg+xml") == 4
    assert "http://" not in page.replace("http://www.w3.org", "")
