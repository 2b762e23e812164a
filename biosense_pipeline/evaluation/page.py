"""What the pages of all evaluation reports share: how they look, their parts, and the file that they go into.

Each is one HTML file that needs nothing else, no script and no address.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from biosense_pipeline.errors import WrongUse

_STYLE = """\
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
</style>"""

#: Jinja macros: a table of headings, rows, and the columns that hold numbers; plots, each a picture and its caption;
#: and pairs that say what was run.
_MACROS = """\
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
{% macro pictures(plots) -%}
{% if plots %}<h2>Plots</h2>
<section class="plots">
{% for picture, caption in plots %}<figure>
<img src="{{ picture }}" alt="{{ caption }}"><figcaption>{{ caption }}</figcaption>
</figure>
{% endfor %}</section>{% endif %}
{%- endmacro %}
{% macro what_was_run(setting) -%}
<h2>What was run</h2>
{{ table(["what", "value"], setting) }}
{%- endmacro %}"""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>@HEADING@{% if title %}: {{ title }}{% endif %}</title>
@STYLE@
</head>
<body>
<main>
@MACROS@
<header>
  <h1>@HEADING@</h1>
  <p class="soft">{{ subtitle }}</p>
</header>
{% if headline %}<section class="headline" aria-label="Headline figures">
{% for value, what in headline %}  <div><b>{{ value }}</b><span>{{ what }}</span></div>
{% endfor %}</section>{% endif %}
{% if remarks %}<section class="remarks" aria-label="Remarks"><ul>
{% for remark in remarks %}  <li>{{ remark }}</li>
{% endfor %}</ul></section>{% endif %}
@BODY@
</main>
</body>
</html>
"""


def render_page(heading: str, body: str, **values: Any) -> str:
    """A page as HTML.

    Args:
        heading: of the page, in HTML.
        body: what stands below heading, headline figures and remarks, as a Jinja template.
        values: for the template, besides it ``title``, ``subtitle``, ``headline`` and ``remarks``.
    """
    from jinja2 import Environment

    parts = {"@STYLE@": _STYLE, "@MACROS@": _MACROS, "@HEADING@": heading, "@BODY@": body}
    template = _PAGE
    for place, part in parts.items():
        template = template.replace(place, part)
    # Names of people, files and folders are data: they are escaped.
    return Environment(autoescape=True).from_string(template).render(**values)


def share(value: float | None) -> str:
    """A share of 0-1 as people read it."""
    return "none" if value is None else f"{100 * value:.2f} %"


def interval(ends: Sequence[float | None] | None, told: Callable[[float | None], str] = share) -> str:
    """Both ends of an interval, of shares or what else ``told`` writes; nothing where there is none."""
    return "" if ends is None else " – ".join(map(told, ends)).replace(" % –", " –")


def prepare_report(folder: Path, name: str) -> Path:
    """The file into which a report will be written; its folder is made where it is missing.

    To be called before the work, which takes minutes, and not after it.

    Raises:
        WrongUse: the folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error.strerror) from error
    if not os.access(folder, os.W_OK):
        raise _unwritable(folder, "no permission")
    return folder / name


def write_page(file: Path, page: str) -> None:
    """Write a page.

    Raises:
        WrongUse: the file cannot be written.
    """
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise _unwritable(file, error.strerror) from error


def _unwritable(path: Path, reason: str | None) -> WrongUse:
    return WrongUse(f"The report cannot be written to {path} ({reason}): name another --report.")
