"""What the pages of all evaluation reports share: how they look, and their tables."""

STYLE = """\
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

#: A Jinja macro: headings, rows, and the columns that hold numbers.
TABLE = """\
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
{%- endmacro %}"""
