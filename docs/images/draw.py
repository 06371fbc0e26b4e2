#!/usr/bin/env python3
"""Draws the pictures of the book as SVG, into the directory of this file.

    python3 docs/images/draw.py [--check]

With --check nothing is written: it ends with 1 where a picture is not as it would be drawn. The terminal session is that of the README,
which a test runs.
"""
import pathlib
import re
import sys
from xml.sax.saxutils import escape

HERE = pathlib.Path(__file__).resolve().parent
README = HERE.parent.parent / "README.md"

STYLE = """
  text { font: 14px system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif; fill: #1f2430; }
  .small { font-size: 12px; fill: #566074; }
  .mono { font: 13px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; }
  .box { fill: #f4f6fa; stroke: #8b95a8; stroke-width: 1.5; }
  .good { fill: #dff3e4; stroke: #2e8b57; stroke-width: 1.5; }
  .bad { fill: #fbe3e1; stroke: #c0392b; stroke-width: 1.5; stroke-dasharray: 5 3; }
  .disk { fill: #fff3d6; stroke: #b7791f; stroke-width: 1.5; }
  .line { stroke: #566074; stroke-width: 1.5; fill: none; marker-end: url(#tip); }
  .back { stroke: #2e8b57; stroke-width: 1.5; fill: none; stroke-dasharray: 6 3; marker-end: url(#back); }
  .tip { fill: #566074; } .backtip { fill: #2e8b57; }
  .screen { fill: #ffffff; stroke: #c6ccd8; }
  .prompt { fill: #2e8b57; } .typed { fill: #1f2430; } .said { fill: #566074; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6e9f0; } .small, .said { fill: #a4adbf; } .typed { fill: #e6e9f0; }
    .box { fill: #262c38; stroke: #77829a; } .good { fill: #1d3a29; stroke: #4fbf80; }
    .bad { fill: #43211e; stroke: #e57368; } .disk { fill: #40331a; stroke: #d9a441; }
    .line { stroke: #a4adbf; } .tip { fill: #a4adbf; } .back { stroke: #4fbf80; } .backtip, .prompt { fill: #4fbf80; }
    .screen { fill: #171b23; stroke: #3a4252; }
  }
"""


class Picture:
    def __init__(self, width, height, title, description):
        self.width, self.height = width, height
        self.parts = []
        self.title, self.description = title, description

    def box(self, x, y, width, height, lines, kind="box"):
        self.parts.append(f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>')
        first = y + height / 2 - (len(lines) - 1) * 9 + 5
        for number, line in enumerate(lines):
            style = ' class="small"' if number else ""
            self.parts.append(
                f'<text{style} x="{x + width / 2}" y="{first + number * 18:g}" text-anchor="middle">{escape(line)}</text>'
            )

    def line(self, points, kind="line"):
        path = " L".join(f"{x} {y}" for x, y in points)
        self.parts.append(f'<path class="{kind}" d="M{path}"/>')

    def text(self, x, y, text, kind="small", anchor="start"):
        self.parts.append(f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>')

    def svg(self):
        tips = "".join(
            f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
            f'<path class="{kind}" d="M0 0 L8 4 L0 8 z"/></marker>'
            for name, kind in (("tip", "tip"), ("back", "backtip"))
        )
        body = "\n".join(self.parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" role="img" '
            f'aria-labelledby="title description">\n<title id="title">{escape(self.title)}</title>\n'
            f'<desc id="description">{escape(self.description)}</desc>\n<style>{STYLE}</style>\n<defs>{tips}</defs>\n'
            f"{body}\n</svg>\n"
        )


def archive_to_commit():
    picture = Picture(
        920, 300, "From an archive to a commit",
        "A consumer writes three tar archives, the third torn. put reads each to its end, uploads its files where nobody sees them, "
        "then starts, fills and finishes one commit, and acknowledges it. The torn archive makes no commit.",
    )
    picture.box(20, 110, 110, 60, ["consumer", "tar, tar, ta"])
    picture.line([(130, 140), (176, 140)])
    for number, (kind, lines) in enumerate(
        [("good", ["archive 1", "whole"]), ("good", ["archive 2", "whole"]), ("bad", ["archive 3", "torn"])]
    ):
        picture.box(180, 40 + number * 75, 110, 55, lines, kind)
    picture.box(350, 40, 150, 130, ["upload", "into a file set", "that nobody sees", "(digest: SHA-256)"])
    picture.line([(290, 67), (346, 85)])
    picture.line([(290, 142), (346, 125)])
    picture.line([(290, 217), (346, 217)])
    picture.box(350, 190, 150, 55, ["nothing is sent", "exit code 3"], "bad")
    picture.box(560, 40, 150, 130, ["one commit", "start", "add the file set", "finish"])
    picture.line([(500, 105), (556, 105)])
    picture.box(770, 40, 130, 130, ["branch", "commit 1", "commit 2"], "good")
    picture.line([(710, 105), (766, 105)])
    picture.line([(835, 170), (835, 275), (75, 275), (75, 174)], "back")
    picture.text(455, 268, "acknowledged when pachd has finished it without an error", "small", "middle")
    picture.text(20, 24, "One archive, one commit", "small")
    picture.text(425, 28, "spoutctl put", "mono", "middle")
    picture.text(635, 28, "pachd", "mono", "middle")
    return picture


def spool_through_a_crash():
    picture = Picture(
        920, 330, "A spool through a crash",
        "Archives 5, 6 and 7 are on disk in the spool. 5 is committed and acknowledged. put is killed while 6 is sent. The next run looks "
        "whether 6 is there, sends what is missing, in order, and only then goes on with the input.",
    )
    columns = [(20, "before"), (330, "killed while 6 is sent"), (640, "started again")]
    for x, title in columns:
        picture.text(x, 26, title, "small")
        picture.box(x, 40, 260, 90, [""], "disk")
        picture.text(x + 10, 60, "spool (on disk, synced)", "small")
        picture.box(x, 190, 260, 60, [""], "box")
        picture.text(x + 250, 206, "branch", "small", "end")
    for x, numbers in ((30, (5, 6, 7)), (340, (6, 7)), (650, (6, 7))):
        for place, number in enumerate(numbers):
            picture.box(x + place * 82, 70, 74, 48, [f"archive {number}"], "good" if number == 5 else "box")
    picture.line([(67, 118), (67, 208)])
    picture.box(40, 212, 74, 32, ["commit 5"], "good")
    picture.box(350, 212, 74, 32, ["commit 5"], "good")
    picture.box(434, 212, 90, 32, ["6, open?"], "bad")
    picture.line([(377, 118), (470, 208)])
    picture.text(450, 158, "kill -9", "mono")
    for place, number in enumerate((5, 6, 7)):
        picture.box(650 + place * 84, 212, 76, 32, [f"commit {number}"], "good")
    picture.line([(687, 118), (762, 208)])
    picture.line([(769, 118), (848, 208)])
    picture.text(20, 285, "5 is acknowledged, and then leaves the spool.", "small")
    picture.text(330, 285, "Nothing is lost: 6 and 7 are on disk.", "small")
    picture.text(640, 285, "First it looks: is 6 there? Then 6 and 7,", "small")
    picture.text(640, 303, "in order, each once; then the input.", "small")
    return picture


def terminal_session():
    text = README.read_text()
    block = text.split("## Sixty seconds without a cluster")[1].split("```console\n")[1].split("```")[0]
    lines = block.rstrip("\n").split("\n")
    longest = max(len(line) for line in lines)
    width, step = int(longest * 7.9) + 40, 20
    picture = Picture(width, len(lines) * step + 40, "A session", "Commits from archives and from lines, read back and followed.")
    picture.parts.append(f'<rect class="screen" x="1" y="1" width="{width - 2}" height="{len(lines) * step + 38}" rx="8"/>')
    for number, line in enumerate(lines):
        y = 32 + number * step
        space = ' xml:space="preserve"'
        if line.startswith("$ "):
            picture.parts.append(
                f'<text class="mono"{space} x="20" y="{y}"><tspan class="prompt">$ </tspan>'
                f'<tspan class="typed">{escape(line[2:])}</tspan></text>'
            )
        else:
            picture.parts.append(f'<text class="mono said"{space} x="20" y="{y}">{escape(line)}</text>')
    return picture


PICTURES = {
    "archive-to-commit.svg": archive_to_commit,
    "spool-through-a-crash.svg": spool_through_a_crash,
    "terminal-session.svg": terminal_session,
}


def main():
    check = sys.argv[1:] == ["--check"]
    wrong = []
    for name, draw in PICTURES.items():
        drawn = re.sub(r"[ \t]+\n", "\n", draw().svg())
        path = HERE / name
        if not check:
            path.write_text(drawn)
        elif not path.exists() or path.read_text() != drawn:
            wrong.append(name)
    if wrong:
        sys.exit(f"out of date: {', '.join(wrong)}; run python3 docs/images/draw.py")


if __name__ == "__main__":
    main()
