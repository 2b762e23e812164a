"""The page of the report on attacks."""

HEADING = "Presentation attack detection"
BODY = """\
<h2>Figures by species</h2>
{{ table(["species", "figure", "single stills", "95 % interval", "windows", "95 % interval"], figures, (2, 3, 4, 5)) }}
<p class="soft">Intervals are from {{ resamples }} resamples of the {{ subjects }} subjects, not of their stills, which
resemble one another. The figures that lead are those of the worst species, each figure by itself.</p>

<h2>The whole system</h2>
{{ table(["species", "accepted by the matcher", "accepted by matcher and attack detection (IAPAR)", "95 % interval"],
         system, (1, 2, 3)) }}
<p class="soft">Shares of all readable attack stills; one without a face is rejected. Windows alarm from
{{ threshold }} spreads on (BPCER of windows here: {{ bpcer }}); a still is stopped where the window does in which it is
judged first. The matcher accepts a distance of {{ tolerance }} at most.</p>

{{ pictures(plots) }}

<h2>Stills</h2>
{{ table(["folder", "subjects", "sequences", "files", "judged", "no face found", "not readable"], folders,
         (1, 2, 3, 4, 5, 6)) }}

{{ what_was_run(setting) }}

<h2>How the figures are made</h2>
<p>A still’s recapture score is the sum of linear scores of groups of features, trained on synthesised recaptures. A
window’s is the mean of its stills’ without the tenth at either end; its rigidity is the median, over pairs of stills
far enough apart, of how well the blocks of one aligned face are found again in the other. Both are told in spreads
above the subject’s own level, from earlier genuine stills, and fused by how far either tells prints from the subject.
APCER is the share of attacks taken for bona fide presentations, BPCER that of bona fide presentations taken for
attacks; APCER at a BPCER is read at the lowest threshold whose BPCER does not exceed it, without interpolation.
Species that are not named here were not measured, and nothing is claimed of them.</p>
"""
