# SPDX-License-Identifier: Apache-2.0
"""Pictures as SVG: small, without scripts or fonts of their own, readable on a light and on a dark page."""

import math
from dataclasses import dataclass
from xml.sax.saxutils import escape

# Colours are named by what they stand for. Blue and orange are told apart by everybody; shades by lightness too.
STYLE = """
:root { --page: #ffffff; --ink: #1f2328; --dim: #59636e; --grid: #d8dee4; --buckets: #c2570c; --swiss: #0b62c4;
  --strong: 1; --middle: .55; --weak: .25; }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --ink: #f0f6fc; --dim: #9aa4af; --grid: #30363d;
  --buckets: #ff9d4d; --swiss: #58a6ff; } }
.page { fill: var(--page); }
text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--ink); }
.title { font-size: 17px; font-weight: 600; }
.dim { fill: var(--dim); }
.grid { stroke: var(--grid); stroke-width: 1; }
.axis { stroke: var(--dim); stroke-width: 1; }
.mark { stroke: var(--dim); stroke-width: 1; stroke-dasharray: 5 4; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.buckets.line { stroke: var(--buckets); } .swiss.line { stroke: var(--swiss); }
.plain.bar { fill: var(--dim); } .plain.hollow { stroke: var(--dim); }
.buckets.bar, .buckets.word { fill: var(--buckets); } .swiss.bar, .swiss.word { fill: var(--swiss); }
.word { font-weight: 600; }
.strong { fill-opacity: var(--strong); } .middle { fill-opacity: var(--middle); } .weak { fill-opacity: var(--weak); }
.hollow { fill-opacity: 0; stroke-width: 1.5; }
.buckets.hollow { stroke: var(--buckets); } .swiss.hollow { stroke: var(--swiss); }
"""


def number(value):
    """As short as it can be: a tenth of a pixel is enough."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


@dataclass
class Scale:
    """From values to pixels."""

    low: float
    high: float
    start: float  # the pixel of `low`
    end: float
    is_log: bool = False

    def __call__(self, value):
        if self.is_log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


class Picture:
    """What is drawn later lies above."""

    def __init__(self, width, height, title, description):
        self.width, self.height = width, height
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" aria-labelledby="title description">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="description">{escape(description)}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect class="page" width="{width}" height="{height}" rx="6"/>',
        ]
        self.text(16, 28, title, "title")

    def text(self, x, y, words, kind="", anchor="start"):
        anchor = "" if anchor == "start" else f' text-anchor="{anchor}"'
        kind = f' class="{kind}"' if kind else ""
        self.parts.append(f'<text x="{number(x)}" y="{number(y)}"{kind}{anchor}>{escape(words)}</text>')

    def line(self, x1, y1, x2, y2, kind):
        self.parts.append(f'<path class="{kind}" d="M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}"/>')

    def polyline(self, points, kind):
        path = "L".join(f"{number(x)} {number(y)}" for x, y in points)
        self.parts.append(f'<path class="{kind}" d="M{path}"/>')

    def bar(self, x, y, width, height, kind):
        """On the colour of the page, so that no grid shines through."""
        for kind in ("page", kind):
            self.parts.append(f'<rect class="{kind}" x="{number(x)}" y="{number(y)}" width="{number(width)}" '
                              f'height="{number(height)}"/>')

    def horizontal_grid(self, x, y, ticks, words=str):
        """`x` and `y` are scales; a line and a word for each tick."""
        for tick in ticks:
            self.line(x.start, y(tick), x.end, y(tick), "axis" if tick == y.low else "grid")
            self.text(x.start - 8, y(tick) + 4.5, words(tick), "dim", "end")

    def vertical_ticks(self, x, y, ticks, words=str):
        for tick in ticks:
            self.line(x(tick), y.start, x(tick), y.start + 5, "axis")
            self.text(x(tick), y.start + 20, words(tick), "dim", "middle")

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join([*self.parts, "</svg>"]) + "\n")
