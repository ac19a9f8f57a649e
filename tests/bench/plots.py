# SPDX-License-Identifier: Apache-2.0
"""SVG plots of the rows, by gnuplot."""
import shutil
import subprocess
import sys

COMMON = """set terminal svg size 760,400 font 'sans,13' background 'white'
set border 3
set tics nomirror out
set grid ytics lc rgb '#dddddd'
set style fill solid 0.9 noborder
set key top left
"""
COLOURS = {"circuitfs": "#1b6ca8", "NSD": "#c0504d", "Knot": "#e0a030",
           "floor": "#999999"}


def figures(rows, name):
    row = rows.get(name)
    return row.result.figures if row and row.result else {}


def block(lines):
    return "$data << EOD\n" + "\n".join(lines) + "\nEOD\n"


def clustered(rows, names, servers, label):
    """Bars side by side: a cluster for each row, a bar for each server."""
    found = {title: figures(rows, name) for name, title in names}
    servers = [server for server in servers
               if any(server in of_row for of_row in found.values())]
    lines = [f'"{title}" ' + " ".join(str(of_row.get(server, "NaN"))
                                      for server in servers)
             for title, of_row in found.items() if of_row]
    if not lines:
        return None
    bars = ", ".join(
        f"$data using {i + 2}:xtic(1) title '{server}' "
        f"lc rgb '{COLOURS[server]}'" for i, server in enumerate(servers))
    return (COMMON + block(lines) + "set style data histogram\n"
            "set style histogram clustered gap 1\nset boxwidth 0.9\n"
            f"set yrange [0:*]\nset ylabel '{label}'\nset bmargin 4\n"
            "set key outside top center horizontal\n"
            f"plot {bars}\n")


def queries(rows):
    names = [("cpu_hits", "hits"), ("cpu_hits_big", "hits,\\nmany names"),
             ("cpu_edns", "EDNS"), ("cpu_nxdomain", "NXDOMAIN"),
             ("cpu_wildcard", "wildcard"), ("cpu_referral", "referral")]
    return clustered(rows, names, ["floor", "circuitfs", "Knot", "NSD"],
                     "CPU per query, µs")


def loads(rows):
    names = [("cp", "in DNS order"), ("cp_shuffled", "in random order"),
             ("restart", "restart")]
    return clustered(rows, names, ["circuitfs", "Knot", "NSD"],
                     "file to first answer, s")


def edits(rows):
    """One bar each, for the rates are far apart."""
    bars = []
    for row, name, title in [
            ("edit_tmpfs", "an empty server", "an empty FUSE server"),
            ("edit_tmpfs", "circuitfs", "circuitfs on tmpfs"),
            ("edit_durable", "fdatasync", "fdatasync"),
            ("edit_durable", "circuitfs", "circuitfs, durable"),
            ("editors", "16 processes", "16 processes, 16 files"),
            ("edit_peers_big", "circuitfs", "circuitfs, many records"),
            ("edit_peers_tiny", "knotc", "knotc, few records"),
            ("edit_peers_tiny", "RFC 2136 into Knot", "RFC 2136, few"),
            ("edit_peers_big", "knotc", "knotc, many records"),
            ("edit_peers_big", "RFC 2136 into Knot", "RFC 2136, many")]:
        value = figures(rows, row).get(name)
        if value:
            colour = ("circuitfs" in title or "16" in title) and "circuitfs"
            colour = colour or ("floor" if row.startswith("edit_t") or
                                name == "fdatasync" else "Knot")
            bars.append((title, value, COLOURS[colour]))
    if not bars:
        return None
    lines = [f'{len(bars) - i} {value} "{title}" 0x{colour[1:]}'
             for i, (title, value, colour) in enumerate(bars)]
    return (COMMON + block(lines) + "unset key\nset logscale x\n"
            "set grid noytics xtics lc rgb '#dddddd'\n"
            "set xlabel 'edits a second'\nset xrange [1:*]\n"
            f"set yrange [0.4:{len(bars) + 0.6}]\n"
            "plot $data using (0.5*$2):1:(1):2:($1-0.35):($1+0.35):4:"
            "ytic(3) with boxxyerror lc rgb variable\n")


def latency(rows):
    found = figures(rows, "answers_during_cp")
    points = ["p50", "p90", "p99", "p999", "max"]
    lines = [f'"{point}" {found.get(f"idle {point}", "NaN")} '
             f'{found.get(f"during {point}", "NaN")}' for point in points]
    if not found:
        return None
    return (COMMON + block(lines) + "set logscale y\n"
            "set ylabel 'answer time, µs'\n"
            "plot $data using 2:xtic(1) with linespoints lw 2 pt 7 "
            f"lc rgb '{COLOURS['floor']}' title 'idle', "
            "$data using 3 with linespoints lw 2 pt 7 "
            f"lc rgb '{COLOURS['circuitfs']}' title 'during a copy'\n")


PLOTS = [
    ("bench-queries.svg", "CPU time of a query", queries),
    ("bench-edits.svg", "edits a second", edits),
    ("bench-loads.svg", "time to load many records", loads),
    ("bench-latency.svg", "answer times while many records are copied in",
     latency),
]


def draw(directory, rows):
    """Pairs of file name and title of the plots that were drawn."""
    if not shutil.which("gnuplot"):
        print("no plots: gnuplot is not there", file=sys.stderr)
        return []
    drawn = []
    for name, title, script in PLOTS:
        text = script(rows)
        if text:
            done = subprocess.run(["gnuplot"], input=text, text=True,
                                  capture_output=True, timeout=60)
            if done.returncode:
                raise RuntimeError(f"{name}: {done.stderr}")
            (directory / name).write_text(done.stdout)
            drawn.append((name, title))
    return drawn
