"""The verification report: figures, plots and the hardest pairs in one HTML file, without pictures of faces."""

from pathlib import Path

import numpy as np

from biosense_pipeline.evaluation.machine import machine
from biosense_pipeline.evaluation.page import interval, render_page, share, write_page
from biosense_pipeline.evaluation.verification.pair_distances import Normalisation
from biosense_pipeline.evaluation.verification.report_page import BODY, HEADING
from biosense_pipeline.evaluation.verification.report_plots import plots
from biosense_pipeline.evaluation.verification.run import VerificationRun, numbers
from biosense_pipeline.evaluation.verification.trials import Trials
from biosense_pipeline.matching.resampling import Interval

REPORT_FILE = "verification.html"
#: Pairs of each kind, and failures to acquire, that are named.
_HARDEST, _FAILURES = 10, 25

_EXPLANATIONS = {
    "accuracy_mean": ("Accuracy", "pairs decided rightly, each as its fold was held out; all pairs count"),
    "accuracy_std": ("Standard deviation", "of the accuracy, over folds"),
    "accuracy_standard_error": ("Standard error", "of the mean accuracy, as LFW's tables show it"),
    "eer": ("EER", "where FMR and FNMR are equal"),
    "fnmr_at_fmr_1e-2": ("FNMR at FMR 1 %", "genuine pairs rejected where one impostor in 100 is accepted"),
    "fnmr_at_fmr_1e-3": ("FNMR at FMR 0.1 %", "genuine pairs rejected where one impostor in 1,000 is accepted"),
    "cllr": ("Cllr", "cost of the log-likelihood ratios in bits; 1 says nothing"),
    "cllr_min": ("Minimum Cllr", "the same with the best calibration; the difference is what calibration costs"),
    "ece": ("Calibration error", "mean gap between predicted and observed share of genuine pairs"),
}
_IN_BITS = ("cllr", "cllr_min")
_CAPTIONS = {
    "histogram": "Distances of genuine and impostor pairs.",
    "roc": "ROC: genuine pairs matched over the FMR, which is on a logarithmic axis.",
    "det": "DET: both errors on axes of normal deviates; normal distributions give a straight line.",
    "reliability": "Reliability: observed over predicted shares, and how many pairs each point stands for.",
}
_NORMALISATIONS = {
    Normalisation.PLAIN: "Distances are Euclidean, between encodings as they are.",
    Normalisation.CENTRED: "Distances are 1 less the cosine, after the mean of a cohort is taken off; the cohort of "
    "a fold are the people who are in no pair of it.",
}


def write_report(file: Path, run: VerificationRun) -> None:
    """Write the report.

    Raises:
        WrongUse: the file cannot be written.
    """
    write_page(file, render(run))


def render(run: VerificationRun) -> str:
    """The report as HTML."""
    verification, trials, numerals = run.verification, run.verification.trials, numbers(run)
    failures = [(str(image), reason) for image, reason in run.acquired.failures.items()]
    pictures = plots(verification)
    return render_page(
        HEADING,
        BODY,
        title=run.pairs_file.name,
        subtitle=f"{numerals['pairs']:,} pairs of {numerals['people']:,} people in {numerals['images']:,} images · "
        f"{run.pairs_file.name} · {run.finished:%Y-%m-%d %H:%M}",
        headline=_headline(run),
        remarks=run.remarks,
        figures=[
            (title, _figure(name, verification.figures[name]), _interval(name, verification.intervals.get(name)), what)
            for name, (title, what) in _EXPLANATIONS.items()
        ],
        resamples=f"{run.resamples:,}",
        people=f"{numerals['people']:,}",
        thresholds=[
            (
                entry.name,
                f"{entry.threshold:g}",
                f"{share(entry.fmr)} ({_interval('fmr', entry.fmr_interval)})",
                f"{share(entry.fnmr)} ({_interval('fnmr', entry.fnmr_interval)})",
                entry.false_matches,
                entry.false_non_matches,
                share(entry.gfar),
                share(entry.gfrr),
            )
            for entry in verification.thresholds
        ],
        plots=[(pictures[name], caption) for name, caption in _CAPTIONS.items()],
        folds=[
            (
                fold.fold + 1,
                fold.pairs,
                share(fold.accuracy),
                f"{fold.threshold:.4f}",
                "yes" if fold.people_apart else "no",
            )
            for fold in verification.folds
        ],
        genuine=_hardest(trials, trials.genuine, farthest=True),
        impostors=_hardest(trials, ~trials.genuine, farthest=False),
        failures=failures[:_FAILURES],
        more_failures=max(0, len(failures) - _FAILURES),
        setting=_setting(run),
        normalisation=_NORMALISATIONS[run.normalisation],
    )


def _headline(run: VerificationRun) -> list[tuple[str, str]]:
    figures, acquired = run.verification.figures, run.acquired
    return [
        (share(figures["accuracy_mean"]), f"accuracy, ± {share(figures['accuracy_standard_error'])} standard error"),
        (share(figures["fnmr_at_fmr_1e-3"]), "FNMR at FMR 0.1 %"),
        (share(figures["eer"]), "equal error rate"),
        (f"{figures['cllr']:.3f}", f"Cllr in bits, at best {figures['cllr_min']:.3f}"),
        (
            str(len(acquired.failures)),
            f"failures to acquire, of {len(acquired.failures) + len(acquired.encodings):,} images",
        ),
        (f"{acquired.images_per_second:.1f}", "images per second"),
    ]


def _setting(run: VerificationRun) -> list[tuple[str, object]]:
    told = numbers(run)
    milliseconds = told["encode_milliseconds_p50"], told["encode_milliseconds_p95"]
    return [
        ("model", run.model_id),
        ("engine and detection", f"{run.settings.engine}, {run.settings.detection}"),
        ("distance", str(run.normalisation)),
        ("tolerance of the site", f"{run.settings.tolerance:g}"),
        ("images with several faces", f"{told['images_with_several_faces']:,}, the most central one counts"),
        ("pairs not compared", f"{told['pairs_not_compared']:,}, for want of a face in an image"),
        ("pairs left out", f"{told['pairs_left_out']:,}, for want of the image"),
        ("encoding a face", "{} ms median, {} ms at the 95th percentile".format(*milliseconds)),
        ("time for all images", f"{run.acquired.seconds:.1f} s with {run.settings.workers or 1} processes"),
        ("machine", machine()),
        ("file of pairs", f"{run.pairs_file.name}, SHA-256 {run.fingerprint}"),
        ("finished", f"{run.finished:%Y-%m-%d %H:%M:%S %Z}"),
    ]


def _hardest(trials: Trials, kind: np.ndarray, *, farthest: bool) -> list[tuple[str, str]]:
    candidates = np.flatnonzero(kind & trials.compared)
    order = np.argsort(-trials.distances[candidates] if farthest else trials.distances[candidates], kind="stable")
    return [
        (f"{trials.pairs[index].first} – {trials.pairs[index].second}", f"{trials.distances[index]:.3f}")
        for index in candidates[order][:_HARDEST]
    ]


def _interval(name: str, ends: Interval) -> str:
    return interval(ends, lambda end: _figure(name, end))


def _figure(name: str, value: float | None) -> str:
    return f"{value:.4f}" if name in _IN_BITS and value is not None else share(value)
