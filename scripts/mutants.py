#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Wrong changes to the module, each of which the suites must notice.

The catalogue is scripts/mutants_list.py. First the unchanged tree must pass on each kernel that is
used; then each mutant is built in a copy of the tree (build/mutants/) and its run judged. A mutant
is killed when the run is no pass: a case fails, a detector speaks, the guest hangs or dies. One
that does not build, or whose text is not in the source exactly once, is an error of the catalogue.

A run is stopped some seconds after its first failed case, so `2+ cases` means at least two.
Results are kept by a hash of all that decides them: with --resume only what is not known is run.

The last line is `N passed, M failed`: a pass is a mutant that was killed. Exit codes: 0 all killed
or equivalent, 1 one survived, 3 the catalogue or the harness is wrong.
"""

import argparse
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from mutants_list import MUTANTS        # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent
FAILED, HARNESS = 1, 3
# what a run is made of: its hash stands for the tree
INPUTS = ("*.c", "*.h", "Kbuild", "kunit/*", "samples/*", "torture/*", "scripts/guest/*", "scripts/guest-init",
          "scripts/vmtest", "scripts/verdict", "scripts/lib.sh", "scripts/mkkernel", "scripts/fragments/*")
# seconds of the guest: for the whole run, without a byte, and after the first failed case
LIMITS = {"plain": (180, 40, 2), "other": (420, 60, 6)}
PATIENCE = 10   # of a case, in seconds: most mutants make one wait for what never comes
BASELINE = "(unchanged)"


class Harness(Exception):
    """Nothing can be said; the text says why."""


def misfits(mutants, top):
    """What is wrong with the catalogue, all of it."""
    wrong, names = [], [mutant.name for mutant in mutants]
    for mutant in mutants:
        count = (top / mutant.file).read_text().count(mutant.old) if (top / mutant.file).is_file() else 0
        if count != 1:
            text = "\n".join(f"\t| {line}" for line in mutant.old.splitlines())
            wrong.append(f"{mutant.name}: its text stands in {mutant.file} {count} times, and it has to stand there once:\n{text}")
        if mutant.old == mutant.new:
            wrong.append(f"{mutant.name}: it changes nothing")
        if names.count(mutant.name) != 1:
            wrong.append(f"{mutant.name}: this name stands in the catalogue more than once")
    return wrong


def tree_hash(top):
    """Of all files that a run depends on, the kernel's configuration included."""
    digest = hashlib.sha256()
    for pattern in INPUTS:
        for path in sorted(top.glob(pattern)):
            if path.is_file() and not path.name.endswith((".o", ".ko", ".mod.c", ".cmd")):
                digest.update(f"{path.relative_to(top)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


class Results:
    """What is known, in a file: {key: result}."""

    def __init__(self, path, use):
        self.path = path
        self.known = json.loads(path.read_text()) if use and path.exists() else {}

    def add(self, key, result):
        self.known[key] = result
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.known, indent=1))
        new.replace(self.path)


# --- one run ------------------------------------------------------------------------------------

def snapshot(work, top):
    """The tree as it is now, so that it can be worked on while the mutants run."""
    work.mkdir(parents=True, exist_ok=True)
    subprocess.run(["rsync", "-a", "--delete", "--exclude=/build", "--exclude=/.git", f"{top}/", f"{work}/"], check=True)
    return work


def set_up(work, top, changed):
    """A copy of the tree in @work; @changed: {file: text} of the files that mutants touch.

    These are written only when they differ, and never by rsync: an older time stamp would leave
    the last mutant's object in place.
    """
    work.mkdir(parents=True, exist_ok=True)
    subprocess.run(["rsync", "-a", "--delete", "--exclude=/build", "--exclude=/.git",
                    *(f"--exclude=/{name}" for name in changed), f"{top}/", f"{work}/"], check=True)
    for name, text in changed.items():
        path = work / name
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def detector(title):
    """A splat's title in a few words."""
    for sign, name in (("KASAN", "KASAN"), ("KCSAN", "KCSAN"), ("ODEBUG", "debug objects"), ("UBSAN", "UBSAN"),
                       ("kmemleak", "kmemleak"), ("unreferenced object", "kmemleak"), ("lockdep", "lockdep"),
                       ("possible recursive locking", "lockdep"), ("circular locking", "lockdep"), ("workqueue lockup", "stall"),
                       ("inconsistent lock", "lockdep"), ("list_", "list debugging"), ("stall", "stall"), ("lockup", "stall"),
                       ("blocked for more", "hung task"), ("scheduling while atomic", "atomic sleep"),
                       ("sleeping function", "atomic sleep"), ("NULL pointer", "oops"), ("Oops", "oops"),
                       ("unable to handle", "oops"), ("general protection", "oops"), ("panic", "panic"), ("WARNING", "warning")):
        if sign.lower() in title.lower():
            return name
    return "warning"


def killers_of(summary):
    """Who noticed: {what: how often}."""
    found = {}
    cases = len(summary.get("failing", []))
    stopped = any("time limit" in reason for reason in summary.get("reasons", []))
    if cases:
        found["cases"] = cases
    for title in summary.get("splat_titles", []):
        found[detector(title)] = found.get(detector(title), 0) + 1
    for reason in summary.get("reasons", []):
        if "time limit" in reason and not cases:
            found["the guest hung"] = 1
        elif reason.startswith("The warning `"):
            found["missing warning"] = found.get("missing warning", 0) + 1
        elif "no KSWORKER-GUEST-END" in reason and not stopped:
            found["the guest died"] = 1
    return found or {"other": 1}


def verdict_of(rc, summary, log):
    """One of killed, survived, error: with who killed it, or why it is an error."""
    if summary is None:
        tail = log.read_text(errors="replace").splitlines()[-6:]
        return {"verdict": "error", "why": f"vmtest ended with {rc} before the guest ran (see {log}):\n" + "\n".join(tail)}
    if rc == 0:
        return {"verdict": "survived", "killers": {}}
    if rc not in (1, 2, 3):
        return {"verdict": "error", "why": f"vmtest ended with {rc}: see {log}"}
    stopped = any("time limit" in reason for reason in summary.get("reasons", []))
    return {"verdict": "killed", "killers": killers_of(summary), "stopped": stopped,
            "cases": [case["case"] for case in summary.get("failing", [])], "splats": summary.get("splat_titles", []),
            "reasons": summary.get("reasons", [])[:5]}


def run_once(args, name, kernel, cpus):
    """vmtest in the copy, and what came of it."""
    src, log = args.work / "src", args.work / "log" / f"{name.strip('()')}-{kernel}.log"
    limits = LIMITS["plain" if kernel.endswith("plain") else "other"]
    summary = src / "build" / kernel / "summary.json"
    summary.unlink(missing_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [*args.wrap, str(src / "scripts" / "vmtest"), "--kernel", kernel, "--cpus", str(cpus),
               "--timeout", str(limits[0]), "--silence", str(limits[1]), "--append", f"ksworker_kunit.patience={PATIENCE}"]
    if name != BASELINE:
        command += ["--after-failure", str(limits[2])]
    with log.open("w") as out:
        rc = subprocess.run(command, cwd=src, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False).returncode
    result = json.loads(summary.read_text()) if summary.exists() else None
    return verdict_of(rc, result, log) | {"rc": rc, "seconds": result["seconds"] if result and "seconds" in result else None}


def judged(args, results, mutant, kernel, tree):
    """The result of a mutant (None: the unchanged tree) on a kernel, from what is known or from a run."""
    name = mutant.name if mutant else BASELINE
    cpus = mutant.cpus if mutant else 2
    change = [mutant.file, mutant.old, mutant.new] if mutant else []
    key = hashlib.sha256(json.dumps([tree, kernel, cpus, change]).encode()).hexdigest()[:24]
    known = results.known.get(key)
    if known and known["verdict"] != "error":
        return known | {"known": True}
    texts = {file: (args.base / file).read_text() for file in sorted({one.file for one in MUTANTS})}
    if mutant:
        texts[mutant.file] = texts[mutant.file].replace(mutant.old, mutant.new)
    set_up(args.work / "src", args.base, texts)
    start = time.monotonic()
    result = run_once(args, name, kernel, cpus)
    # of the guest, where there was one: how long it waited for its turn (--wrap) says nothing
    result |= {"name": name, "kernel": kernel, "seconds": result["seconds"] or round(time.monotonic() - start, 1)}
    results.add(key, result)
    return result


# --- what is said -------------------------------------------------------------------------------

def killers_words(result):
    """`3 cases, KASAN 2; ksworker_close.queue_while_closing_is_refused`"""
    words = []
    for what, count in result["killers"].items():
        more = "+" if result.get("stopped") else ""
        if what == "cases":
            words.append(f"{count}{more} case{'s' if count > 1 or more else ''}")
        else:
            words.append(f"{what}{f' {count}' if count > 1 else ''}")
    first = result.get("cases") or []
    return ", ".join(words) + (f"; {first[0]}" if first else "")


def row(name, result):
    if result["verdict"] == "equivalent":
        return f"{name:<42} {'':<11} {'':>5}  equivalent: {result['why']}"
    said = {"killed": lambda: killers_words(result), "survived": lambda: "SURVIVED",
            "error": lambda: "ERROR: " + result["why"].splitlines()[0]}[result["verdict"]]()
    return f"{name:<42} {result['kernel']:<11} {result['seconds']:>5.0f}  {said}" + (" (known)" if result.get("known") else "")


def baselines(args, results, kernels, tree):
    """The unchanged tree passes on each kernel, or nothing can be said."""
    for kernel in kernels:
        result = judged(args, results, None, kernel, tree)
        if result["verdict"] != "survived":
            raise Harness(f"the unchanged tree does not pass on {kernel}, so nothing can be said about mutants: "
                          f"{result.get('why') or killers_words(result)} (see {args.work / 'log'})")
        print(f"{BASELINE:<42} {kernel:<11} {result['seconds']:>5.0f}  passes" + (" (known)" if result.get("known") else ""), flush=True)


def run_all(args, chosen):
    tree = tree_hash(args.base)
    results = Results(args.work / "results.json", args.resume)
    table = {}
    to_run = [mutant for mutant in chosen if not mutant.equivalent]
    print(f"{'mutant':<42} {'kernel':<11} {'s':>5}  killed by")
    baselines(args, results, sorted({args.kernel or mutant.kernel for mutant in to_run}), tree)
    for mutant in chosen:
        if mutant.equivalent:
            result = {"name": mutant.name, "verdict": "equivalent", "why": mutant.equivalent}
        else:
            result = judged(args, results, mutant, args.kernel or mutant.kernel, tree)
        table[mutant.name] = result
        print(row(mutant.name, result), flush=True)
        if result["verdict"] == "error":
            print("\n".join(f"\t{line}" for line in result["why"].splitlines()[1:]))
    return table


def finish(args, table):
    """The sum, and the JSON."""
    of = {verdict: [name for name, result in table.items() if result["verdict"] == verdict]
          for verdict in ("killed", "survived", "equivalent", "error")}
    args.json.parent.mkdir(parents=True, exist_ok=True)
    args.json.write_text(json.dumps({"counts": {verdict: len(names) for verdict, names in of.items()},
                                     "mutants": table}, indent=1) + "\n")
    for verdict in ("survived", "error"):
        if of[verdict]:
            print(f"{verdict}: {' '.join(of[verdict])}")
    seconds = sum(result.get("seconds", 0) for result in table.values())
    print(f"mutants: {len(of['killed'])} killed, {len(of['survived'])} survived, {len(of['equivalent'])} equivalent, "
          f"{len(of['error'])} errors, {seconds:.0f} s; {args.json}")
    print(f"{len(of['killed'])} passed, {len(of['survived']) + len(of['error'])} failed")
    return HARNESS if of["error"] else FAILED if of["survived"] else 0


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the catalogue and run nothing")
    parser.add_argument("--fits", action="store_true", help="say whether each text stands in the source, and run nothing")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="these mutants")
    parser.add_argument("--kernel", help="on this kernel, whatever the catalogue says")
    parser.add_argument("--resume", action="store_true", help="go on: what is known of this very tree is not run again")
    parser.add_argument("--wrap", type=shlex.split, default=[], metavar="COMMAND", help="put before each run, such as a lock")
    parser.add_argument("--json", type=pathlib.Path, default=TOP / "build" / "mutants" / "mutants.json", metavar="FILE")
    parser.add_argument("--work", type=pathlib.Path, default=TOP / "build" / "mutants", metavar="DIR", help="where the copy and the logs are")
    return parser.parse_args(argv)


def main(argv=None):
    args = arguments(argv)
    unknown = sorted(set(args.only) - {mutant.name for mutant in MUTANTS})
    if unknown:
        print(f"mutants: there is no {' '.join(unknown)}; see --list", file=sys.stderr)
        return HARNESS
    if args.list:
        for mutant in MUTANTS:
            print(f"{mutant.name:<42} {mutant.kernel:<11} {mutant.file}" + (f"  equivalent: {mutant.equivalent}" if mutant.equivalent else ""))
        return 0
    chosen = [mutant for mutant in MUTANTS if not args.only or mutant.name in args.only]
    args.base = TOP if args.fits else snapshot(args.work / "base", TOP)
    wrong = misfits(chosen, args.base)
    if wrong:
        print(f"mutants: the catalogue (scripts/mutants_list.py) does not fit the source, {len(wrong)} entries:", file=sys.stderr)
        print("\n".join(wrong), file=sys.stderr)
        return HARNESS
    if args.fits:
        print(f"{len(chosen)} mutants fit the source")
        return 0
    try:
        return finish(args, run_all(args, chosen))
    except Harness as error:
        print(f"mutants: {error}", file=sys.stderr)
        return HARNESS


if __name__ == "__main__":
    sys.exit(main())
