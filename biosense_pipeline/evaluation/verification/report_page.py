"""The page of the verification report: one file that needs nothing else, no script and no address."""

TEMPLATE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Face verification: {{ title }}</title>
<style>
  :root { --ink: #1f2733; --soft: #5d6675; --line: #dfe3e9; --paper: #ffffff; --ground: #f4f6f8; --blue: #4f6d9c; }
  * { box-sizing: border-box; }
  body { margin: 0; background: var(--ground); color: var(--ink);
         font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
  main { max-width: 1060px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
  h1 { font-size: 1.6rem; margin: 0; }
  h2 { font-size: 1.12rem; margin: 2.2rem 0 .7rem; }
  p { margin: .4rem 0; max-width: 46rem; }
  .soft { color: var(--soft); }
  .headline { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: .8rem;
              margin-top: 1.4rem; }
  .headline div { background: var(--paper); border: 1px solid var(--line); border-top: 3px solid var(--blue);
                  border-radius: 6px; padding: .7rem .85rem; }
  .headline b { display: block; font-size: 1.5rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
  .headline span { display: block; font-size: .82rem; color: var(--soft); }
  .remarks { background: #fff7e6; border: 1px solid #ecd9ab; border-radius: 6px; padding: .5rem 1rem;
             margin-top: 1.2rem; }
  .remarks ul { margin: .2rem 0; padding-left: 1.1rem; }
  .table { overflow-x: auto; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; }
  table { border-collapse: collapse; width: 100%; font-size: .9rem; }
  th, td { text-align: left; padding: .4rem .8rem; border-bottom: 1px solid var(--line); vertical-align: top; }
  tr:last-child > td { border-bottom: 0; }
  th { font-weight: 600; color: var(--soft); font-size: .8rem; }
  .number { text-align: right; font-variant-numeric: tabular-nums; }
  td.number { white-space: nowrap; }
  .name { overflow-wrap: break-word; }
  .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(430px, 1fr)); gap: 1rem; }
  figure { margin: 0; background: var(--paper); border: 1px solid var(--line); border-radius: 6px;
           padding: .7rem .7rem .5rem; }
  figure img { width: 100%; display: block; }
  figcaption { font-size: .82rem; color: var(--soft); padding: .4rem .3rem 0; }
  .two { display: grid; grid-template-columns: repeat(auto-fit, minmax(430px, 1fr)); gap: 1rem; align-items: start; }
  h3 { font-size: .92rem; margin: 0 0 .4rem; }
  @media (max-width: 500px) { .plots, .two { grid-template-columns: 1fr; } }
  @media print {
    body { background: none; }
    main { max-width: none; padding: 0; }
    figure, .table { break-inside: avoid; }
  }
</style>
</head>
<body>
<main>
{% macro table(headings, rows, numeric=()) -%}
<div class="table"><table>
<thead><tr>
{%- for heading in headings %}<th class="{{ 'number' if loop.index0 in numeric }}">{{ heading }}</th>{% endfor -%}
</tr></thead>
<tbody>
{% for row in rows %}<tr>
{%- for cell in row %}<td class="{{ 'number' if loop.index0 in numeric else 'name' }}">{{ cell }}</td>{% endfor -%}
</tr>
{% endfor %}</tbody>
</table></div>
{%- endmacro %}
<header>
  <h1>Face verification</h1>
  <p class="soft">{{ subtitle }}</p>
</header>
<section class="headline" aria-label="Headline figures">
{% for value, what in headline %}  <div><b>{{ value }}</b><span>{{ what }}</span></div>
{% endfor %}</section>
{% if remarks %}<section class="remarks" aria-label="Remarks"><ul>
{% for remark in remarks %}  <li>{{ remark }}</li>
{% endfor %}</ul></section>{% endif %}

<h2>Figures</h2>
{{ table(["figure", "value", "95 % interval", "what it is"], figures, (1, 2)) }}
<p class="soft">Intervals are from {{ resamples }} resamples of the {{ people }} people, not of the pairs, which share
people and are not independent.</p>

{% if thresholds %}<h2>At the thresholds in use</h2>
{{ table(["threshold", "distance", "FMR (95 %)", "FNMR (95 %)", "false matches", "false non-matches", "GFAR", "GFRR"],
         thresholds, (1, 2, 3, 4, 5, 6, 7)) }}
<p class="soft">FMR and FNMR are of the pairs that could be compared. GFAR and GFRR, the generalised rates, are of all
pairs: one whose image gave no face is rejected.</p>{% endif %}

<h2>Plots</h2>
<section class="plots">
{% for picture, caption in plots %}<figure>
<img src="{{ picture }}" alt="{{ caption }}"><figcaption>{{ caption }}</figcaption>
</figure>
{% endfor %}</section>

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

<h2>What was run</h2>
{{ table(["what", "value"], setting) }}

<h2>How the figures are made</h2>
<p>A pair matches where its distance is at most the threshold. For the accuracy each fold is held out in turn and
decided at the threshold that decides most pairs of the other folds rightly; a pair whose image gave no face is decided
“different people”. FNMR at an FMR is read at the largest threshold whose FMR does not exceed it, without interpolation.
Log-likelihood ratios come from a logistic regression on the distance, fitted without the pair’s fold; Cllr is their
cost in bits over all priors, its minimum that of the same distances calibrated as well as their order allows. The
calibration error is the mean gap between predicted and observed shares at even odds.</p>
<p>{{ normalisation }}</p>
</main>
</body>
</html>
"""
