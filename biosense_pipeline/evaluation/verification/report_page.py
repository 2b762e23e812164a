"""The page of the verification report."""

HEADING = "Face verification"
BODY = """\
<h2>Figures</h2>
{{ table(["figure", "value", "95 % interval", "what it is"], figures, (1, 2)) }}
<p class="soft">Intervals are from {{ resamples }} resamples of the {{ people }} people, not of the pairs, which share
people and are not independent.</p>

{% if thresholds %}<h2>At the thresholds in use</h2>
{{ table(["threshold", "distance", "FMR (95 %)", "FNMR (95 %)", "false matches", "false non-matches", "GFAR", "GFRR"],
         thresholds, (1, 2, 3, 4, 5, 6, 7)) }}
<p class="soft">FMR and FNMR are of the pairs that could be compared. GFAR and GFRR, the generalised rates, are of all
pairs: one whose image gave no face is rejected.</p>{% endif %}

{{ pictures(plots) }}

<h2>Folds</h2>
{{ table(["fold", "pairs", "accuracy", "threshold from the other folds", "people apart"], folds, (1, 2, 3)) }}

<h2>Hardest pairs</h2>
<section class="two">
<div><h3>Same person, farthest apart</h3>{{ table(["images", "distance"], genuine, (1,)) }}</div>
<div><h3>Different people, nearest</h3>{{ table(["images", "distance"], impostors, (1,)) }}</div>
</section>

<h2>Failures to acquire</h2>
{% if failures %}{{ table(["image", "reason"], failures) }}
{% if more_failures %}<p class="soft">and {{ more_failures }} more.</p>{% endif %}
{% else %}<p>Every image gave a face.</p>{% endif %}

{{ what_was_run(setting) }}

<h2>How the figures are made</h2>
<p>A pair matches where its distance is at most the threshold. For the accuracy each fold is held out in turn and
decided at the threshold that decides most pairs of the other folds rightly; a pair whose image gave no face is decided
“different people”. FNMR at an FMR is read at the largest threshold whose FMR does not exceed it, without interpolation.
Log-likelihood ratios come from a logistic regression on the distance, fitted without the pair’s fold; Cllr is their
cost in bits over all priors, its minimum that of the same distances calibrated as well as their order allows. The
calibration error is the mean gap between predicted and observed shares at even odds.</p>
<p>{{ normalisation }}</p>
"""
