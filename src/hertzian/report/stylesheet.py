"""The one stylesheet of every page."""

from hertzian.report.style import SERIES, SERIES_ON_DARK


def _variables(colors: tuple[str, ...]) -> str:
    return " ".join(f"--series-{index}: {color};" for index, color in enumerate(colors))


_STRUCTURE = """
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #ffffff; --ink: #1b2430; --soft: #5b6675; --rule: #dde1e7;
  --accent: #0072b2; --fill: #cfe4f3; --shade: #f0f3f6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10141a; --card: #181e26; --ink: #e6eaf0; --soft: #9aa6b5; --rule: #2e3742;
    --accent: #5db7ea; --fill: #1d4660; --shade: #1f2731;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 78rem; padding: 2rem clamp(0.75rem, 3vw, 2.5rem) 4rem;
  background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
header { margin-bottom: 1.5rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 0.3rem; letter-spacing: -0.01em; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 0 0 0.75rem; overflow-wrap: anywhere; }
h3 { font-size: 0.95rem; margin: 1.25rem 0 0.4rem; }
p { margin: 0.5rem 0; max-width: 46rem; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.soft, figcaption, header p { color: var(--soft); }
section {
  background: var(--card); border: 1px solid var(--rule); border-radius: 10px;
  padding: 1.25rem clamp(0.75rem, 2vw, 1.5rem); margin: 0 0 1.25rem;
}
figure { margin: 0.75rem 0; overflow-x: auto; }
figure svg { display: block; max-width: 100%; height: auto; stroke-linejoin: round; }
figure svg text { font-family: system-ui, "Segoe UI", Roboto, Arial, sans-serif !important; }
figure svg a path { pointer-events: all; }
figure.wide svg { width: 100% !important; }
figcaption { font-size: 0.87rem; }
dl.facts {
  display: flex; flex-wrap: wrap; gap: 0.6rem 2.2rem; margin: 0 0 0.5rem;
}
dl.facts dt { color: var(--soft); font-size: 0.8rem; }
dl.facts dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; margin: 0.75rem 0; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
table.wide { min-width: 100%; }
th, td { padding: 0.32rem 0.8rem; text-align: left; white-space: nowrap; }
th { color: var(--soft); font-weight: 500; font-size: 0.82rem; }
th, td { border-bottom: 1px solid var(--rule); }
tbody tr:last-child td { border-bottom: 0; }
tbody tr:hover { background: var(--shade); }
.right { text-align: right; }
.bar {
  display: inline-block; min-width: 8rem; padding: 0 0.5rem; border-radius: 4px; text-align: right;
  background: linear-gradient(to right, var(--fill) var(--share), var(--shade) var(--share));
}
details { border-top: 1px solid var(--rule); }
summary { cursor: pointer; padding: 0.6rem 0.25rem; }
summary:hover { background: var(--shade); }
summary strong { margin-right: 0.6rem; }
.panels { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; align-items: flex-start; }
.panels > * { margin: 0.25rem 0; }
@media (max-width: 45rem) { figure svg { max-width: none; min-width: 40rem; } }
@media print { body { background: none; } section { break-inside: avoid; border: 0; } }
"""

STYLESHEET = (
    f":root {{ {_variables(SERIES)} }}\n"
    f"@media (prefers-color-scheme: dark) {{ :root {{ {_variables(SERIES_ON_DARK)} }} }}\n"
    f"{_STRUCTURE}"
)
