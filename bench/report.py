#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Turns what the benchmark said into a table, bench.json and a plot; or judges it (--gate).

Arguments are PART=FILE: the results of a part (icount, smp, um, kvm), lines with `KSWBENCH {json}`.
The goals and what was recorded for them stand in goals.json; docs/performance.md explains both.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time

PARTS = {
    "icount": ("instructions, QEMU -icount, 1 CPU", "instructions"),
    "um": ("nanoseconds, user-mode Linux, 1 CPU", "ns"),
    "kvm": ("nanoseconds, QEMU with KVM, 1 CPU", "ns"),
    "smp": ("four producers, QEMU TCG, 4 CPUs: time per item, raw ordered = 1.00", "ratio"),
}
SCENARIOS = {
    "S1": "ping-pong through an idle worker",
    "S1q": "the queue call alone, idle worker",
    "S2": "the routine queues itself again",
    "S3": "burst of 64, per item",
    "S3i": "burst of 64 with preemption off",
    "S4": "refused: the place is occupied",
    "S5": "task stream, per task",
    "S5i": "task stream with preemption off",
    "S5p": "increment and decrement, running",
    "S6": "make and destroy a worker",
    "S8": "ExQueueWorkItem through an idle pool",
    "S8g": "its routine queues itself again",
    "S8a": "an IO_WORKITEM made, queued, freed; burst of 64",
    "S8r": "IoTryQueueWorkItem refused",
    "S7a": "4 producers, a worker each",
    "S7b": "4 producers, one worker, items",
    "S7c": "4 producers, one worker, tasks",
}
PEERS = {
    "ksworker": "ksworker",
    "raw_percpu": "raw per-cpu",
    "raw_unbound": "raw unbound",
    "raw_ordered": "raw ordered",
    "raw_system": "system_unbound_wq",
    "kthread_worker": "kthread_worker",
    "naive": "naive layer",
}


class Broken(Exception):
    """The results are not what they should be: a fault of the harness, not of ksworker."""


# --- reading ------------------------------------------------------------------------------------

def read_part(path):
    """What one boot said: {header, results: scenario -> peer -> numbers, memory: peer -> n -> bytes}."""
    part = {"header": None, "results": {}, "memory": {}}
    ended = False
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            found = re.search(r"KSWBENCH (\{.*\})", line)
            if not found:
                continue
            try:
                said = json.loads(found[1])
            except ValueError as error:
                raise Broken(f"{path}: a line is cut: {line.strip()}") from error
            if "kernel" in said:
                part["header"] = said
            elif said.get("scenario") == "S6m":
                part["memory"].setdefault(said["peer"], {})[str(said["workers"])] = said["bytes"]
            elif "scenario" in said:
                numbers = {key: said[key] for key in ("median", "min", "operations")}
                part["results"].setdefault(said["scenario"], {})[said["peer"]] = numbers
            ended = ended or "end" in said
    if not part["header"] or not ended:
        raise Broken(f"{path}: the benchmark did not say its end")
    return part


def machine():
    cpu = ""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            cpu = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        pass
    return {"cpu": cpu, "cpus": os.cpu_count(), "host_kernel": platform.release(),
            "date": time.strftime("%Y-%m-%d")}


# --- goals --------------------------------------------------------------------------------------

def value_of(goal, parts):
    """(what we have, in the goal's terms; what it was computed from; our part), or None: not measured."""
    part = parts.get(goal["part"])
    if not part:
        return None
    if goal["kind"] == "memory":
        ours = part["memory"].get("ksworker", {}).get(goal["workers"])
        bare = part["memory"].get(goal["against"][0], {}).get(goal["workers"])
        if ours is None or bare is None:
            return None
        step = goal["resolution"]       # of the measure, for so many workers
        return round((ours - bare) / step) * step, f"{ours:.0f} - {bare:.0f} bytes", ours
    results = part["results"].get(goal["scenario"], {})
    if "ksworker" not in results:
        return None
    # instructions: the least disturbed run is the same each time; else the median
    which = "min" if goal["part"] == "icount" else "median"
    ours = results["ksworker"][which]
    if goal["kind"] == "absolute":
        return ours, f"{ours:g}", ours
    if goal["kind"] == "constant":
        return ours / goal["constant"], f"{ours:g} / {goal['constant']:g}", ours
    others = [results[peer][which] for peer in goal["against"] if peer in results]
    if len(others) < len(goal["against"]):
        return None
    return ours / min(others), f"{ours:g} / {min(others):g}", ours


def number(goal, value):
    return f"{value:.0f}" if goal["kind"] in ("memory", "absolute") else f"{value:.3f}"


def judge(goals, parts):
    """Prints a line for each goal that the parts can answer; how many failed."""
    passed = failed = reached = 0
    for goal in goals["goals"]:
        if goal["part"] not in parts:
            continue
        got = value_of(goal, parts)
        if got is None:
            failed += 1
            print(f"not ok - {goal['name']}\n    was not measured")
            continue
        value, how, ours = got
        worst = 1 + goal.get("tolerance", goals["tolerance"])
        bound = goal["recorded"] * worst
        if goal["kind"] == "memory":        # a slab more or less is no regression of ours
            bound = max(bound, goal["recorded"] + goals["memory_tolerance"])
        # a peer that was disturbed less than when this was recorded is no regression of ours, either
        worse = value > bound and ours > goal.get("recorded_ours", 0) * worst
        failed += worse
        passed += not worse
        reached += value <= goal["goal"]
        print(f"{'not ok' if worse else 'ok'} - {goal['name']}: {number(goal, value)} ({how}), "
              f"recorded {number(goal, goal['recorded'])}, goal {number(goal, goal['goal'])}")
        if worse:
            print(f"    more than {worst - 1:.0%} worse than recorded: find out what made it so; if it is meant,\n"
                  "    say why in docs/performance.md and record it: python3 bench/report.py --record")
        if value > goal["goal"]:
            print("    # goal not reached")
        elif value < goal["recorded"] * (2 - worst):
            print("    # better than recorded: record it")
    print(f"# {reached} of {passed + failed} goals reached")
    print(f"{passed} passed, {failed} failed")
    return failed


def record(goals, parts, path):
    for goal in goals["goals"]:
        got = value_of(goal, parts)
        if not got:
            continue
        goal["recorded"] = round(got[0], 0 if goal["kind"] in ("memory", "absolute") else 3)
        if goal["kind"] == "ratio" and goal["part"] == "icount":
            goal["recorded_ours"] = round(got[2], 2)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(goals, file, indent=1)
        file.write("\n")


# --- the table ----------------------------------------------------------------------------------

def short(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def rows_of(name, part):
    """scenario -> peer -> number as shown."""
    rows = {}
    for scenario in SCENARIOS:
        results = part["results"].get(scenario)
        if not results:
            continue
        unit = results["raw_ordered"]["median"] if name == "smp" else 1
        rows[scenario] = {peer: result["median"] / unit for peer, result in results.items()}
    return rows


def aligned(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(widths[i]) if i < 1 else cell.rjust(widths[i])
                               for i, cell in enumerate(row)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 1) + ("-" if i < 1 else ":") for i, width in enumerate(widths)) + "|")
    return lines


def table(parts, goals):
    lines = []
    for name, (title, _) in PARTS.items():
        if name not in parts:
            continue
        head = parts[name]["header"]
        lines += [f"**{title}** (Linux {head['kernel']}, median of {head['runs']} runs)", ""]
        rows = [["", *PEERS.values()]]
        for scenario, row in rows_of(name, parts[name]).items():
            rows.append([f"{scenario} {SCENARIOS[scenario]}",
                         *(short(row[peer]) if peer in row else "-" for peer in PEERS)])
        for n in ("1", "100", "1000", "10000"):
            memory = parts[name]["memory"]
            if any(n in memory.get(peer, {}) for peer in PEERS):
                rows.append([f"S6m bytes per worker, of {n}",
                             *(f"{memory[peer][n]:.0f}" if n in memory.get(peer, {}) else "-" for peer in PEERS)])
        lines += aligned(rows) + [""]
    rows = [["goal", "measured", "goal", ""]]
    for goal in goals["goals"]:
        got = value_of(goal, parts)
        if got:
            rows.append([goal["name"], number(goal, got[0]), "<= " + number(goal, goal["goal"]),
                         "reached" if got[0] <= goal["goal"] else "**not reached**"])
    if len(rows) > 1:
        lines += aligned(rows) + [""]
    return "\n".join(lines)


# --- the plot -----------------------------------------------------------------------------------

def plot_script(parts, base):
    """gnuplot: for each part a panel; a dot is how many times of ksworker a peer costs."""
    panels = [name for name in PARTS if name in parts and rows_of(name, parts[name])]
    peers = [peer for peer in PEERS if peer != "ksworker"]
    lines = []
    for panel in panels:
        rows = rows_of(panel, parts[panel])
        shown = [scenario for scenario in rows if len(rows[scenario]) > 1]
        lines.append(f"$scenarios_{panel} << EOD")
        lines += [f"0 {len(shown) - i} \"{s} {SCENARIOS[s]}\"" for i, s in enumerate(shown)] + ["EOD"]
        for peer in peers:
            lines.append(f"$dots_{panel}_{peer} << EOD")
            lines += [f"{rows[s][peer] / rows[s]['ksworker']:.4f} {len(shown) - i}"
                      for i, s in enumerate(shown) if peer in rows[s] and rows[s]["ksworker"]] + ["EOD"]
    colours = ["#1f77b4", "#0b3d66", "#17a2a2", "#d9822b", "#a03070", "#5a8f29"]
    marks = [7, 5, 9, 13, 11, 15]
    height = sum(len(rows_of(panel, parts[panel])) + 5 for panel in panels) * 26
    for terminal, suffix in (("svg size 1000,{} font 'sans,13' background '#ffffff'", "svg"),
                             ("png truecolor size 1000,{} font 'sans,11' background '#ffffff'", "png")):
        lines += [f"set terminal {terminal.format(height)}", f"set output '{base}.{suffix}'",
                  f"set multiplot layout {len(panels)},1",
                  "set xlabel 'what the others cost, in times of ksworker (right of the line: ksworker is cheaper)'",
                  "set logscale x 2", "set xrange [0.25:64]", "set grid x y lc '#dddddd'", "set lmargin 42", "set rmargin 18",
                  "set format x '%gx'", "set key outside right top samplen 1", "set border 3", "set tics nomirror out",
                  "set arrow 1 from first 1, graph 0 to first 1, graph 1 nohead lw 2 lc '#444444'"]
        for panel in panels:
            count = sum(len(row) > 1 for row in rows_of(panel, parts[panel]).values())
            lines += [f"set title '{PARTS[panel][0].split(': time per item')[0]}'", f"set yrange [0.4:{count + 0.6}]",
                      "plot " + f"$scenarios_{panel} using (NaN):2:ytic(3) notitle, " + ", ".join(
                          f"$dots_{panel}_{peer} using 1:2 with points pt {marks[i]} ps 1.3 lc '{colours[i]}' "
                          f"title '{PEERS[peer].replace('_', ' ')}'" for i, peer in enumerate(peers))]
        lines += ["unset multiplot", "unset output"]
    return "\n".join(lines) + "\n"


def draw(parts, out):
    script = os.path.join(out, "plot.gp")
    with open(script, "w", encoding="utf-8") as file:
        file.write(plot_script(parts, "bench"))
    done = subprocess.run(["gnuplot", "plot.gp"], cwd=out, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Broken(f"gnuplot {script}: {done.stderr.strip()}")


def document(text, out, path):
    """The table and the plot into the page that explains them."""
    with open(path, encoding="utf-8") as file:
        page = file.read()
    page, done = re.subn(r"(<!-- table: [^\n]*-->\n).*?(<!-- /table -->)", lambda match: f"{match[1]}\n{text}\n{match[2]}", page, flags=re.S)
    if not done:
        raise Broken(f"{path} has no place for the table")
    with open(path, "w", encoding="utf-8") as file:
        file.write(page)
    shutil.copyfile(os.path.join(out, "bench.svg"), os.path.splitext(path)[0] + ".svg")


def main():
    here = os.path.dirname(os.path.realpath(__file__))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART=FILE", help="default: what scripts/bench left in build/bench")
    parser.add_argument("--goals", default=os.path.join(here, "goals.json"))
    parser.add_argument("--out", help="write the table, bench.json and the plot there")
    parser.add_argument("--gate", action="store_true", help="compare with what is recorded in the goals")
    parser.add_argument("--record", action="store_true", help="record these results in the goals")
    parser.add_argument("--document", metavar="PAGE", help="with --out: put table and plot into docs/performance.md")
    args = parser.parse_args()
    left = os.path.join(os.path.dirname(here), "build", "bench")
    named = args.parts or [f"{name}={path}" for name in PARTS for path in [os.path.join(left, name, "results.log")]
                           if os.path.exists(path)]
    try:
        parts = {name: read_part(path) for name, _, path in (part.partition("=") for part in named)}
        with open(args.goals, encoding="utf-8") as file:
            goals = json.load(file)
        if args.record:
            record(goals, parts, args.goals)
        if args.gate:
            return 1 if judge(goals, parts) else 0
        text = table(parts, goals)
        print(text)
        if args.out:
            with open(os.path.join(args.out, "table.md"), "w", encoding="utf-8") as file:
                file.write(text + "\n")
            with open(os.path.join(args.out, "bench.json"), "w", encoding="utf-8") as file:
                json.dump({"machine": machine(), "parts": parts, "goals": [
                    {**goal, "measured": (value_of(goal, parts) or [None])[0]} for goal in goals["goals"]]}, file, indent=1)
            draw(parts, args.out)
            if args.document:
                document(text, args.out, args.document)
            print(f"bench: table.md, bench.json, bench.svg and bench.png are in {args.out}")
    except (Broken, OSError, ValueError) as error:
        print(f"report: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
