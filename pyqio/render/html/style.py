"""How the page looks: with the colours of the browser's own light or dark mode, and on paper."""

from typing import Final

STYLE: Final = """\
:root { color-scheme: light dark; --fg: #1f2328; --bg: #fff; --dim: #656d76; --line: #d0d7de; --bad: #b3261e;
  --ok: #1a7f37; --raw: #0550ae; --test: #8250df; --nul: #8c959f; --print: #0a5fa8; --space: #1a7f37;
  --ascii: #8250df; --high: #9a6700; --data: #2da44e; --some: #94d3a2; --zero: #afb8c1; --none: #eaeef2;
  --mark: #ffe0dc; }
@media (prefers-color-scheme: dark) { :root { --fg: #e6edf3; --bg: #0d1117; --dim: #8d96a0; --line: #30363d;
  --bad: #ff7b72; --ok: #56d364; --raw: #79c0ff; --test: #d2a8ff; --nul: #6e7681; --print: #79c0ff;
  --space: #7ee787; --ascii: #d2a8ff; --high: #e3b341; --data: #2ea043; --some: #175c2b; --zero: #6e7681;
  --none: #21262d; --mark: #4a1714; } }
body { color: var(--fg); background: var(--bg); font: 15px/1.5 system-ui, sans-serif; max-width: 72rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin-top: 2.2rem;
  border-bottom: 1px solid var(--line); } h3 { font-size: 1rem; margin-bottom: .3rem; }
p.verdict { font-weight: 600; } .bad { color: var(--bad); } .ok { color: var(--ok); } .dim { color: var(--dim); }
table { border-collapse: collapse; font-size: .9rem; } th { text-align: left; color: var(--dim); font-weight: 500; }
td, th { padding: .15rem .9rem .15rem 0; vertical-align: top; } td { overflow-wrap: anywhere; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
code, pre, .mono { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: .85rem; }
pre { overflow-x: auto; padding: .6rem .8rem; border: 1px solid var(--line); border-radius: .4rem; }
pre i { font-style: normal; } .off, .z { color: var(--nul); } .p { color: var(--print); } .w { color: var(--space); }
.a { color: var(--ascii); } .h { color: var(--high); } .R { color: var(--raw); } .T { color: var(--test); }
mark { background: var(--mark); color: inherit; text-decoration: underline var(--bad); }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--dim); font: 11px system-ui, sans-serif; }
.s-data { fill: var(--data); } .s-some { fill: var(--some); } .s-zero { fill: var(--zero); }
.s-none { fill: var(--none); } .s-differ { fill: var(--bad); } tr:has(.touch) { font-weight: 600; }
@media print { body { max-width: none; margin: 0; font-size: 11px; } pre { white-space: pre-wrap; }
  h2 { break-after: avoid; } tr, pre { break-inside: avoid; }
  svg *, mark { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
