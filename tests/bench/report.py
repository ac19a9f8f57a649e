# SPDX-License-Identifier: Apache-2.0
"""The rows as tables: on a terminal, and in benchmarks.md with its plots.

What a person wrote in benchmarks.md outside the two marks stays as it is.
"""
import time
from pathlib import Path

import plots

BEGIN, END = "<!-- figures: written by the benchmark -->", "<!-- end -->"

HEAD = """# Benchmarks

circuitfs beside the servers that do the same work, on one machine and in one
run. Ratios are the result; absolute figures belong to the machine.

`tests/bench/run.sh` measures all of it in twenty minutes and writes this page;
with `--quick` the rounds are fewer and shorter, and it writes to `build/bench`.

## How it is measured

- Everything stands next to its peers in the same run: turn and turn about,
  several rounds, each round with another one first. A ratio is the median of
  the rounds' ratios, with the lowest and the highest in parentheses.
- The servers have one core, what asks them has another. NSD runs one server
  process and Knot one UDP worker; rate limits are off, and all answer with
  what was asked for and nothing else.
- Queries are drawn at random from a list of all names, over UDP on loopback,
  from 8 ports with 24 in flight each. Every answer's id, rcode, AA flag and
  count of answers is checked; one that is wrong voids the row.
- CPU time is what the kernel charges a server's processes, user and system,
  divided by the answers.
- *The floor* is a program that receives a batch, says the same answer to each
  query, and sends the batch. The answer is one that circuitfs has given in that
  row, so that as many octets are sent. *An empty FUSE server* takes an edit and
  forgets it. *fdatasync* is how often a page becomes durable in the state
  directory. These say what the machine and its kernel leave to be had.
- Knot's edits are transactions through one `knotc` (begin, set, commit) and
  RFC 2136 updates, by one client that waits for each, into its journal.
- A transfer ends with its last record at a client that counts them, and is of a
  zone that has just changed. An edit's way to a secondary begins when its `close`
  has returned. Zones that are transferred have a serial and a journal.
- *Another host's tree* is that of h2, a second daemon on the same machine. Both
  meet at a nats-server with credentials and TLS, as `docs/fleet.sh` sets it up,
  and no net is between them. A line of shell runs many times: in h2's tree as
  h1 shows it, in h2's own, and by `ssh h2` over a connection that is kept
  (`ControlMaster`), to an sshd of the run's own whose shell reads no files when
  it starts.
"""


def number(value):
    for limit, places in (100, 0), (10, 1), (1, 2):
        if abs(value) >= limit:
            return f"{value:,.{places}f}"
    return f"{value:.3g}"


def figures_of(row):
    unit = f" {row.figures_unit}" if row.figures_unit else ""
    return ", ".join(f"{name} {number(value)}"
                     for name, value in row.result.figures.items()) + (
                         unit if row.result.figures else "")


def value_of(row):
    found = row.result
    text = number(found.value) + (f" {row.unit}" if row.unit else "")
    if found.low is not None and found.low != found.high:
        text += f" ({number(found.low)}–{number(found.high)})"
    return text


def bar_of(row):
    unit = f" {row.unit}" if row.unit else ""
    if row.at_most is not None:
        return f"≤ {row.at_most:g}{unit}"
    if row.at_least is not None:
        return f"≥ {row.at_least:g}{unit}"
    return ""


def verdict(row):
    if row.result is None:
        return "not measured"
    return {True: "met", False: "missed", None: ""}[row.met]


def line(row):
    if row.result is None:
        return f"{row.what}: not measured: {row.missing}"
    parts = [value_of(row), bar_of(row), verdict(row), figures_of(row),
             row.result.note]
    return f"{row.what}: " + "; ".join(part for part in parts if part)


def cells(row):
    aim = f"{row.aim:g}" if row.aim is not None else ""
    if row.result is None:
        return [row.what, f"not measured: {row.missing}", "", bar_of(row), aim,
                ""]
    detail = figures_of(row)
    if row.result.note:
        detail += ("; " if detail else "") + row.result.note
    mark = verdict(row)
    return [row.what, detail, value_of(row), bar_of(row), aim,
            f"**{mark}**" if mark == "missed" else mark]


def table(found):
    """Markdown that can be read as it is."""
    lines = []
    for title, rows in found:
        lines += [f"### {title}", "",
                  "| what | figures | value | bar | aim | |",
                  "|---|---|---|---|---|---|"]
        lines += ["| " + " | ".join(cells(row)) + " |" for row in rows]
        lines.append("")
    return "\n".join(lines)


def write(directory, found, described):
    """benchmarks.md, and a plot for whatever there is enough of."""
    images = plots.draw(directory, {
        row.name: row for _, rows in found for row in rows})
    parts = [BEGIN, "", "## The run", "",
             f"{time.strftime('%Y-%m-%d')}.", "", "| | |", "|---|---|",
             *(f"| {name} | {text} |" for name, text in described), "",
             table(found)]
    for name, title in images:
        parts += [f"![{title}]({name})", ""]
    parts.append(END)
    path = Path(directory, "benchmarks.md")
    before, after = HEAD + "\n", "\n"
    if path.exists():
        text = path.read_text()
        if BEGIN in text and END in text:
            before = text.partition(BEGIN)[0]
            after = text.partition(END)[2]
    path.write_text(before + "\n".join(parts) + after)
