#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests of the judge: python3 -m unittest discover -s scripts/tests.

The fixtures are whole runs that pass (ok-6.12, ok-6.1, ok-stock) and reports of a kernel
(splats/*.txt). Every test of a failure takes a run that passes and damages it in one place, so
it is that place that decides.
"""

import contextlib
import importlib.machinery
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPT = os.path.join(HERE, "..", "verdict")
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("verdict", SCRIPT)
verdict = importlib.util.module_from_spec(importlib.util.spec_from_loader("verdict", loader))
loader.exec_module(verdict)

RUNS = {
    "ok-6.12": ("6.12-debug", "6.12.117", "kunit", ("ksworker_item", "ksworker_counted", "unload")),
    "ok-6.1": ("6.1-debug", "6.1.192", "kunit", ("ksworker_item", "ksworker_counted", "unload")),
    "ok-stock": ("stock-6.1", "6.1.0-50-amd64", "stock", ("capture", "unload")),
}
KUNIT_RUNS = ("ok-6.12", "ok-6.1")


def fixture(*path):
    with open(os.path.join(HERE, "fixtures", *path), encoding="utf-8", newline="") as file:
        return file.read()


class Run:
    """One run of the judge over a fixture that was changed."""

    def __init__(self, name, *options):
        self.name = name
        self.console = fixture(name, "console.txt")
        self.results = fixture(name, "results.txt")
        self.options = list(options)
        self.suites = None

    def edit(self, which, pattern, to, count=1):
        """Replaces in one of the two files; the pattern must be there."""
        text, done = re.subn(pattern, to, getattr(self, which), count=count)
        assert done, f"{pattern} is not in the {which} of {self.name}"
        setattr(self, which, text)
        return self

    def drop(self, which, pattern):
        """Removes the first line with the pattern."""
        return self.edit(which, r"(?m)^[^\n]*" + pattern + r"[^\n]*\n", "")

    def cut(self, which, pattern):
        """Ends the file before the pattern."""
        text = getattr(self, which)
        match = re.search(pattern, text)
        assert match, f"{pattern} is not in the {which} of {self.name}"
        setattr(self, which, text[:match.start()])
        return self

    def insert(self, before, text):
        """Puts kernel lines into the console before the first line with the pattern."""
        lines = "".join(f"[    2.000000]{caller_of(self.name)} {line}\r\n" for line in text.splitlines())
        return self.edit("console", r"(?m)^(?=[^\n]*" + before + ")", lambda _: lines)

    def judge(self):
        kernel, uname, suite, suites = RUNS[self.name]
        with tempfile.TemporaryDirectory() as out:
            for name in ("console", "results"):
                with open(os.path.join(out, name), "w", encoding="utf-8", newline="") as file:
                    file.write(getattr(self, name))
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                self.code = verdict.main([
                    "--console", os.path.join(out, "console"), "--results", os.path.join(out, "results"),
                    "--kernel", kernel, "--uname", uname, "--suite", suite, "--seconds", "1.9", "--accel", "tcg",
                    "--out", os.path.join(out, "reports"), "--expect-suite", *(self.suites or suites), *self.options])
            self.printed = printed.getvalue()
            self.lines = self.printed.splitlines()
            self.files = {}
            for name in os.listdir(os.path.join(out, "reports")):
                with open(os.path.join(out, "reports", name), encoding="utf-8") as file:
                    self.files[name] = file.read()
            self.summary = json.loads(self.files["summary.json"])
        return self


def caller_of(name):
    return "[   T57]" if name == "ok-6.1" else ""


class Case(unittest.TestCase):
    def check(self, run, code, *words):
        """The run is judged so, and says each of the words."""
        run.judge()
        self.assertEqual(run.code, code, run.printed)
        for word in words:
            self.assertIn(word, run.printed)
        self.assertEqual(run.summary["exit"], code)
        self.assertRegex(run.lines[-2], r"^\d+ passed, \d+ failed(, \d+ skipped)?$")
        self.assertEqual(code == 0, ", 0 failed" in run.lines[-2], run.printed)
        xml.etree.ElementTree.fromstring(run.files["junit.xml"])
        return run


class Ok(Case):
    def test_every_ok_fixture_passes(self):
        for name, cases, kernel in (("ok-6.12", 7, "6.12.117 debug"), ("ok-6.1", 7, "6.1.192 debug"),
                                    ("ok-stock", 3, "6.1.0-50-amd64 stock")):
            with self.subTest(name):
                run = self.check(Run(name), 0)
                self.assertEqual(run.lines, [f"{cases} passed, 0 failed",
                                             f"{kernel}: {cases} passed, 0 failed, kernel log clean, 1.9 s (tcg)"])
                self.assertEqual((run.summary["passed"], run.summary["reasons"]), (cases, []))

    def test_the_reports_hold_every_case(self):
        run = self.check(Run("ok-6.12"), 0)
        suites = xml.etree.ElementTree.fromstring(run.files["junit.xml"])
        self.assertEqual([suite.get("name") for suite in suites], ["ksworker_item", "ksworker_counted", "unload"])
        self.assertEqual(len(suites.findall("suite") or suites.findall(".//testcase")), 7)
        root = verdict.parse_ktap(run.files["report.tap"].splitlines())
        self.assertEqual((root.plan, len(root.children), len(root.children[0].children)), (3, 3, 3))
        self.assertEqual(len(root.children[0].children[2].children), 3)

    def test_level_prefixes_and_no_prefixes_are_read(self):
        for prefix in ("<6>[    1.0] ", "<6>", "[    1.0][    C1] ", ""):
            with self.subTest(prefix):
                run = Run("ok-6.12")
                run.edit("console", r"(?m)^\[ *\d+\.\d+\] ", prefix, count=0)
                self.check(run, 0)

    def test_what_a_kernel_says_at_boot_is_no_splat(self):
        for line in ("Command line: console=ttyS0 'Kernel panic' BUG: Call Trace:",
                     "Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on",
                     "rcu: RCU CPU stall warnings timeout set to 21", "kcsan: selftest: 3/3 tests passed",
                     "workqueue: vmstat_update hogged CPU for >10000us 4 times",
                     "ACPI BIOS Error (bug): Could not resolve symbol", "clocksource: Long readout interval"):
            with self.subTest(line):
                self.check(Run("ok-6.12").insert("Run /init", line), 0)

    def test_an_injected_failure_may_show_its_trace(self):
        self.check(Run("ok-6.12").insert("ok 2 routine", fixture("injected-failure.txt")), 0)

    def test_a_splat_after_an_injected_failure_is_one(self):
        text = fixture("injected-failure.txt") + fixture("splats", "bare-trace.txt")
        self.check(Run("ok-6.12").insert("ok 2 routine", text), 2, "1 splat,")

    def test_another_cpu_may_print_into_an_expected_warning(self):
        run = Run("ok-6.12").drop("console", " ok 1 decrement_at_zero_warns")
        self.check(run.edit("console", r"(?m)^(?=[^\n]*RSP: 0018)", "[    1.5]     ok 1 decrement_at_zero_warns\r\n"), 0)

    def test_the_last_words_before_the_power_goes_may_be_cut(self):
        self.check(Run("ok-6.12").edit("console", r"machine restart\r\n$", "mach"), 0)

    def test_every_line_that_matters_matters(self):
        """Without any one line of KTAP, marker or expected warning no run passes."""
        needed = re.compile(r"(?:^|\] ) *(?:(?:not )?ok \d|1\.\.[1-9]|# Subtest|------------\[|WARNING:"
                            r"|ksworker: (?!loading|module veri)|ksworker_(?:guest|kunit): )|^KSWORKER-")
        for name in RUNS:
            for which in ("console", "results"):
                whole = getattr(Run(name), which).splitlines(keepends=True)
                numbers = [number for number, line in enumerate(whole) if needed.search(line)]
                if which == "results" or name in KUNIT_RUNS:
                    self.assertGreater(len(numbers), 8)
                for number in numbers:
                    with self.subTest(name, which=which, line=whole[number]):
                        run = Run(name)
                        setattr(run, which, "".join(whole[:number] + whole[number + 1:]))
                        run.judge()
                        self.assertNotEqual(run.code, 0, run.printed)
                        self.assertNotIn(", 0 failed", run.lines[-2])


class Failed(Case):
    def test_a_failed_case_is_shown_with_its_words(self):
        for name in KUNIT_RUNS:
            with self.subTest(name):
                run = Run(name).insert(" ok 2 routine_may", "    # routine_may_free_its_item: EXPECTATION FAILED at kunit/item.c:88\n"
                                       "    Expected runs == 1, but\n        runs == 2 (0x2)")
                run.edit("console", " ok 2 routine_may", " not ok 2 routine_may")
                run.edit("console", "# ksworker_item: pass:3 fail:0", "# ksworker_item: pass:2 fail:1")
                run.edit("console", "ok 1 ksworker_item", "not ok 1 ksworker_item")
                self.check(run, 1, "FAILED ksworker_item.routine_may_free_its_item",
                           "    # routine_may_free_its_item: EXPECTATION FAILED at kunit/item.c:88",
                           "    Expected runs == 1, but", "    runs == 2 (0x2)")
                self.assertEqual(run.lines[-2], "6 passed, 1 failed")
                self.assertTrue(run.lines[-1].endswith("6 passed, 1 failed, kernel log clean, 1.9 s (tcg)"))
                self.assertEqual(run.summary["failing"][0]["case"], "ksworker_item.routine_may_free_its_item")
                self.assertIn("runs == 2 (0x2)", run.summary["failing"][0]["diagnostics"])
                self.assertIn("    not ok 2 routine_may_free_its_item", run.files["report.tap"])
                self.assertIn('failures="1"', run.files["junit.xml"])

    def test_a_failed_case_in_a_suite_that_says_ok(self):
        self.check(Run("ok-6.12").edit("console", " ok 2 routine_may", " not ok 2 routine_may"), 1, "routine_may_free_its_item failed")

    def test_a_failed_parameter_in_a_case_that_says_ok(self):
        self.check(Run("ok-6.12").edit("console", " ok 2 Delayed", " not ok 2 Delayed"), 1,
                   "FAILED ksworker_item.every_type_registers", "DelayedWorkQueue: not ok")

    def test_a_suite_that_fails_as_a_whole(self):
        self.check(Run("ok-6.12").edit("console", r"\] ok 1 ksworker_item", "] not ok 1 ksworker_item"), 1, "it failed as a whole")

    def test_a_suite_whose_init_fails_has_no_cases(self):
        run = Run("ok-6.1").edit("console", r"(?s)(\n[^\n]*KTAP version 1\r\n[^\n]*# Subtest: ksworker_item.*?)(?=\n[^\n]*ok 1 ksworker_item)", "")
        run.edit("console", "ok 1 ksworker_item", "not ok 1 ksworker_item")
        self.check(run, 1, "Suite ksworker_item: it has no cases")

    def test_a_skip_fails_unless_it_is_listed(self):
        def skipped(*options):
            run = Run("ok-6.12", *options).edit("console", " ok 2 routine_may_free_its_item", " ok 2 routine_may_free_its_item # SKIP one CPU only")
            return run.edit("console", "pass:3 fail:0 skip:0 total:3(?=\r\n[^\n]*Totals)", "pass:2 fail:0 skip:1 total:3")
        self.check(skipped(), 1, "Case ksworker_item.routine_may_free_its_item was skipped (one CPU only)")
        self.check(skipped("--allow-skip", "ksworker_counted.routine_may_free_its_item"), 1)
        run = self.check(skipped("--allow-skip", "ksworker_item.routine_may_free_its_item"), 0)
        self.assertEqual(run.lines[-2], "6 passed, 0 failed, 1 skipped")
        self.assertIn("skipped as expected: 1 of ksworker_item (one CPU only)", run.lines)
        self.assertIn("<skipped", run.files["junit.xml"])

    def test_a_suite_may_be_listed_as_one_that_skips(self):
        def skipped(*options):
            run = Run("ok-6.12", *options)
            for case in ("1 queue_while_queued_is_refused", "2 routine_may_free_its_item"):
                run.edit("console", f" ok {case}", f" ok {case} # SKIP needs CONFIG_FAILSLAB")
            return run.edit("console", "pass:3 fail:0 skip:0 total:3(?=\r\n[^\n]*Totals)", "pass:1 fail:0 skip:2 total:3")
        run = self.check(skipped("--allow-skip", "ksworker_item"), 0,
                         "skipped as expected: 2 of ksworker_item (needs CONFIG_FAILSLAB)")
        self.assertEqual(run.lines[-2], "5 passed, 0 failed, 2 skipped")
        self.assertTrue(run.lines[-1].endswith(": 5 passed, 0 failed, 2 skipped, kernel log clean, 1.9 s (tcg)"))
        for other in ("ksworker_counted", "ksworker", "ksworker_item."):
            self.check(skipped("--allow-skip", other), 1, "which no --allow-skip lists")

    def test_a_whole_suite_that_is_listed_may_skip_and_not_fail(self):
        def skipped(words):
            run = Run("ok-6.12", "--allow-skip", "ksworker_item")
            run.edit("console", r"(?m)^([^\n]*)( ok [123] (?:queue_while|routine_may|every_type)\w+)", r"\1\2 # SKIP no", count=0)
            run.edit("console", r"\] ok 1 ksworker_item", f"] {words} 1 ksworker_item # SKIP no")
            return run.edit("console", "pass:3 fail:0 skip:0 total:3(?=\r\n[^\n]*Totals)", "pass:0 fail:0 skip:3 total:3")
        self.assertEqual(self.check(skipped("ok"), 0).lines[-2], "4 passed, 0 failed, 3 skipped")
        self.check(skipped("not ok"), 1, "it failed as a whole")

    def test_a_listed_suite_must_run_all_the_same(self):
        run = Run("ok-6.12", "--allow-skip", "ksworker_fault")
        run.suites = ["ksworker_item", "ksworker_counted", "unload", "ksworker_fault"]
        self.check(run, 1, "The suite ksworker_fault was expected and did not run.")

    def test_a_skipped_parameter_is_a_skip(self):
        self.check(Run("ok-6.12").edit("console", " ok 2 DelayedWorkQueue", " ok 2 DelayedWorkQueue # SKIP"), 1, "was skipped")

    def test_a_guest_script_skips_in_small_letters(self):
        self.check(Run("ok-6.12").edit("results", "ok 2 kernel_survives", "ok 2 kernel_survives # skip no"), 1, "was skipped")

    def test_a_plan_that_does_not_fit(self):
        for name in KUNIT_RUNS:
            with self.subTest(name):
                self.check(Run(name).edit("console", r"    1\.\.3", "    1..4"), 1, "the plan says 1..4, 3 results were seen")
        self.check(Run("ok-6.12").edit("console", r"\] 1\.\.2", "] 1..3"), 1, "KUnit planned 3 suites, 2 were seen")
        self.check(Run("ok-6.12").edit("results", r"1\.\.2", "1..3"), 1, "the plan says 1..3, 2 results were seen")

    def test_results_out_of_number(self):
        self.check(Run("ok-6.12").edit("console", " ok 2 routine_may", " ok 1 routine_may"), 1, "not numbered 1..3")

    def test_a_case_that_stands_there_twice(self):
        self.check(Run("ok-6.12").edit("console", " ok 2 routine_may_free_its_item", " ok 2 queue_while_queued_is_refused"), 1, "more than once")

    def test_statistics_that_do_not_fit(self):
        self.check(Run("ok-6.12").edit("console", "# every_type_registers: pass:3 fail:0 skip:0 total:3",
                                       "# every_type_registers: pass:3 fail:1 skip:0 total:4"), 1, "KUnit counted")

    def test_a_missing_suite(self):
        run = Run("ok-6.12")
        run.suites = ["ksworker_item", "ksworker_counted", "unload", "ksworker_close"]
        self.check(run, 1, "The suite ksworker_close was expected and did not run.", "no pass (missing suite)")
        self.assertEqual(run.lines[-2], "7 passed, 1 failed")

    def test_a_suite_outside_the_markers_is_not_seen(self):
        run = Run("ok-6.1")
        end = re.search(r"[^\n]*end kunit\r\n", run.console)[0]
        run.console = run.console.replace(end, "")
        run.insert(r"KTAP version 1\r\n[^\n]*Subtest: ksworker_counted", "ksworker_guest: end kunit")
        self.check(run, 1, "The suite ksworker_counted was expected and did not run.")

    def test_a_guest_script_that_fails(self):
        run = Run("ok-6.12").edit("results", "ok 2 kernel_survives", "# dmesg is silent\nnot ok 2 kernel_survives")
        self.check(run, 1, "FAILED unload.kernel_survives", "    # dmesg is silent")

    def test_a_guest_script_says_why_after_its_result(self):
        run = Run("ok-6.12").edit("results", "ok 2 kernel_survives", "not ok 2 kernel_survives\n# dmesg is silent")
        self.check(run, 1, "FAILED unload.kernel_survives", "    # dmesg is silent")

    def test_a_guest_script_that_exits_badly(self):
        self.check(Run("ok-6.12").edit("results", "unload rc=0", "unload rc=139"), 1, "The guest script unload exited 139.")

    def test_a_guest_script_that_never_ends(self):
        self.check(Run("ok-6.12").drop("results", "SUITE-END unload"), 1, "The guest script unload never ended.")

    def test_a_guest_script_without_a_plan(self):
        self.check(Run("ok-6.12").drop("results", r"1\.\.2"), 1, "no plan")

    def test_modules_that_stay(self):
        self.check(Run("ok-6.12").drop("results", "MODULES-UNLOADED"), 1, "a module could not be removed")

    def test_a_guest_that_ends_badly(self):
        self.check(Run("ok-6.12").edit("results", "GUEST-END rc=0", "GUEST-END rc=1"), 1, "ended with rc=1")


class Warnings(Case):
    SPECIAL = "expect warning: decrement of a count"

    def test_an_expected_warning_that_is_missing(self):
        for name in KUNIT_RUNS:
            with self.subTest(name):
                run = Run(name).edit("console", r"(?s)\n[^\n]*cut here.*?end trace[^\n]*", "")
                self.check(run, 1, "`decrement of a count that is 0` was expected", "no later WARNING has this text", "kernel log clean")

    def test_a_line_that_the_console_cut_and_said_again(self):
        again = "** replaying previous printk message **"
        whole = Run("ok-6.12")
        line = re.search(rf"[^\n]*{self.SPECIAL}[^\r\n]*", whole.console)[0]
        for cut in (len(line), len(line) - 3, 7, 0):
            with self.subTest(cut=cut):
                run = Run("ok-6.12")
                before = f"{line[:cut]}\r\n" if cut else ""
                run.console = run.console.replace(line, f"{before}{again}\r\n{line}")
                self.check(run, 0, "kernel log clean")
        for cuts in ((30, 40), (40, 30), (40, 0)):      # taken over twice
            with self.subTest(cuts=cuts):
                run = Run("ok-6.12")
                before = "".join(f"{line[:cut]}\r\n{again}\r\n" if cut else f"{again}\r\n" for cut in cuts)
                run.console = run.console.replace(line, f"{before}{line}")
                self.check(run, 0, "kernel log clean")
        other = Run("ok-6.12")      # what stands before it is another line, and counts
        other.console = other.console.replace(line, f"{line}\r\n{again}\r\n{line.replace('.', '1.', 1)}")
        self.check(other, 1, "no later WARNING has this text")

    def test_lines_that_the_console_lost(self):
        run = Run("ok-6.12")
        line = re.search(rf"[^\n]*{self.SPECIAL}[^\r\n]*", run.console)[0]
        run.console = run.console.replace(line, f"** 12 printk messages dropped **\r\n{line}")
        self.check(run, 3, "12 printk messages dropped", "no pass (lines lost)")

    def test_a_warning_nobody_expected(self):
        for name in KUNIT_RUNS:
            with self.subTest(name):
                run = self.check(Run(name).drop("console", self.SPECIAL), 2, "a warning that no case expected", "SPLAT (console line")
                self.assertTrue(run.lines[-1].endswith(": 7 passed, 0 failed, kernel log: 1 splat, 1.9 s (tcg)"), run.lines[-1])

    def test_one_expectation_covers_one_warning(self):
        run = Run("ok-6.12")
        block = re.search(r"(?s)[^\n]*cut here.*?end trace[^\n]*\n", run.console)[0]
        run.console = run.console.replace(block, block + block, 1)
        self.check(run, 2, "a warning that no case expected")

    def test_two_expectations_need_two_warnings(self):
        line = "ksworker_kunit: expect warning: decrement of a count that is 0"
        run = Run("ok-6.12").insert(self.SPECIAL, line)
        self.check(run, 1, "`decrement of a count that is 0` was expected")

    def test_the_wrong_text(self):
        run = Run("ok-6.12").edit("console", "expect warning: decrement of a count that is 0", "expect warning: decrement of NULL")
        self.check(run, 2, "`decrement of NULL` was expected", "a warning that no case expected")

    def test_the_text_must_stand_in_the_message(self):
        run = Run("ok-6.12").edit("console", "expect warning: decrement of a count that is 0", "expect warning: kunit_try_run_case")
        self.check(run, 2, "`kunit_try_run_case` was expected")

    def test_a_warning_before_its_expectation(self):
        line = "ksworker_kunit: expect warning: decrement of a count that is 0"
        self.check(Run("ok-6.12").drop("console", self.SPECIAL).insert(" ok 1 decrement", line), 2, "was expected")

    def test_the_pairing_finds_a_way_if_there_is_one(self):
        """`decrement` fits both warnings, the other text only the first."""
        run = Run("ok-6.12")
        block = re.search(r"(?s)[^\n]*cut here.*?end trace[^\n]*\n", run.console)[0]
        run.console = run.console.replace(block, block + block.replace("decrement of a count that is 0", "decrement of NULL"), 1)
        self.check(run.insert(self.SPECIAL, "ksworker_kunit: expect warning: decrement of"), 0)

    def test_a_splat_inside_an_expected_warning_is_seen(self):
        for name in ("kasan", "atomic", "wait-context"):
            with self.subTest(name):
                self.check(Run("ok-6.12").insert("RSP: 0018", fixture("splats", f"{name}.txt")), 2, "1 splat")

    def test_no_expectation_covers_a_bug(self):
        for name in ("panic", "ubsan", "list-corruption"):
            with self.subTest(name):
                text = "ksworker_kunit: expect warning: worker_run\nksworker_kunit: expect warning: ksworker.c\n" + fixture("splats", f"{name}.txt")
                self.check(Run("ok-6.12").insert(" ok 2 routine_may", text), 2)

    def test_a_warning_that_is_cut_off_is_a_warning(self):
        run = Run("ok-6.12").drop("console", self.SPECIAL).drop("console", "end trace")
        self.check(run, 2, "a warning that no case expected")


class Splats(Case):
    NAMES = sorted(name[:-4] for name in os.listdir(os.path.join(HERE, "fixtures", "splats")))

    def test_every_kind_is_seen_on_both_kernels(self):
        self.assertGreater(len(self.NAMES), 20)
        for name in self.NAMES:
            for run_name, where in (("ok-6.12", " ok 2 routine_may"), ("ok-6.1", " ok 2 routine_may"), ("ok-stock", "reboot:"), ("ok-6.12", "Run /init")):
                with self.subTest(name, run=run_name):
                    text = fixture("splats", f"{name}.txt")
                    run = self.check(Run(run_name).insert(where, text), 2, "SPLAT (console line", "kernel log: ")
                    self.assertGreater(run.summary["splats"], 0)

    def test_one_report_counts_once(self):
        for name in ("kasan", "lockdep", "odebug", "atomic", "kcsan", "ubsan", "refcount", "gpf", "slub", "workqueue-lockup"):
            with self.subTest(name):
                run = self.check(Run("ok-6.12").insert(" ok 2 routine_may", fixture("splats", f"{name}.txt")), 2)
                self.assertEqual(run.summary["splats"], 1, run.printed)

    def test_a_splat_at_the_very_end_is_seen(self):
        run = Run("ok-6.12")
        run.console += fixture("splats", "atomic.txt")
        self.check(run, 2)

    def test_a_long_splat_is_shortened(self):
        run = Run("ok-6.12").insert(" ok 2 routine_may", fixture("splats", "kasan.txt") + " frame\n" * 100)
        self.check(run, 2, "more lines")

    def test_a_splat_goes_before_a_failed_case(self):
        run = Run("ok-6.12").edit("console", " ok 2 routine_may", " not ok 2 routine_may")
        self.check(run.insert(" ok 1 queue", fixture("splats", "kasan.txt")), 2, "FAILED ksworker_item.routine_may_free_its_item")
        self.assertIn("6 passed, 1 failed, kernel log: 1 splat", run.lines[-1])

    def test_a_panic_ends_everything(self):
        for name in KUNIT_RUNS:
            with self.subTest(name):
                run = Run(name).cut("console", r"[^\n]* ok 2 routine_may").cut("results", "KSWORKER-SUITE-BEGIN")
                run.console += fixture("splats", "panic.txt")
                self.check(run, 2, "Kernel panic", f"no {verdict.END}")

    def test_a_time_out(self):
        run = Run("ok-6.12", "--timed-out", "--qemu-status", "124").cut("console", r"[^\n]* ok 2 routine_may").cut("results", "KSWORKER-SUITE-BEGIN")
        self.check(run, 2, "time limit", "no pass (timed out")

    def test_a_time_out_after_the_end_is_one(self):
        self.check(Run("ok-6.12", "--timed-out"), 2, "no pass (timed out)")

    def test_leaks(self):
        run = Run("ok-6.12").edit("results", "KMEMLEAK-BEGIN\n", "KMEMLEAK-BEGIN\nunreferenced object 0xffff888004f0e000 (size 32):\n  comm \"insmod\"\n")
        self.check(run, 2, "kmemleak reports 1 leak", "unreferenced object 0xffff888004f0e000")
        self.assertIn("kernel log: 1 splat", run.lines[-1])


    def off(self, *options):
        return Run("ok-6.12", *options).edit("results", "lockdep on", "lockdep off")

    def test_a_lockdep_that_was_lost_in_silence(self):
        for options in ((), ("--detector", "lockdep")):
            run = self.check(self.off(*options), 2, "lockdep was off at the end", "The console does not say why")
            self.assertEqual(run.lines[-2], "7 passed, 1 failed")
            self.assertIn("kernel log clean, no pass (lockdep off)", run.lines[-1])

    def test_a_lockdep_that_was_lost_and_why(self):
        for line in ("BUG: MAX_LOCKDEP_CHAIN_HLOCKS too low!", "Disabling lock debugging due to kernel taint"):
            run = self.off().insert(" ok 2 routine_may", line + "\nturning off the locking correctness validator.")
            self.check(run, 2, "says why: " + line)
        for name in ("lockdep", "wait-context", "rcu-usage", "locks-warn-on"):
            with self.subTest(name):
                run = self.off().insert(" ok 2 routine_may", fixture("splats", f"{name}.txt"))
                self.check(run, 2, "lockdep was off at the end", "says why: ")

    def test_an_expected_warning_is_not_why_lockdep_is_off(self):
        self.check(self.off(), 2, "The console does not say why")

    def test_a_report_that_ends_lockdep_is_a_splat_by_itself(self):
        self.check(Run("ok-6.12").insert(" ok 2 routine_may", "BUG: MAX_LOCKDEP_ENTRIES too low!"), 2, "1 splat")

    def test_a_kcsan_that_has_not_looked(self):
        run = Run("ok-6.12", "--detector", "kcsan").edit("results", "kcsan none", "kcsan off")
        self.check(run, 2, "kcsan was off at the end", "never set a watchpoint", "no pass (kcsan off)")
        self.check(Run("ok-6.12", "--detector", "kcsan").edit("results", "kcsan none", "kcsan on"), 0)


class Harness(Case):
    def test_a_detector_that_is_not_there(self):
        for name in verdict.DETECTORS:
            run = Run("ok-6.12", "--detector", name).edit("results", name + r" \w+", name + " none")
            self.check(run, 3, f"built with {name}, and the guest does not find it", f"no pass (no {name})")
        self.check(Run("ok-6.12").edit("results", "lockdep on", "lockdep none"), 0)

    def test_a_detector_whose_marker_is_damaged(self):
        for to in ("lockdep", "lockdep perhaps", "lockdep on off", "lockdep on\nKSWORKER-DETECTOR lockdep on"):
            self.check(Run("ok-6.12").edit("results", "lockdep on", to), 3, "should have one line")

    def test_a_detector_that_nobody_looked_at(self):
        for name in RUNS:
            for detector in verdict.DETECTORS:
                self.check(Run(name).drop("results", "DETECTOR " + detector), 1, "nobody looked whether it was on")

    def test_leaks_that_nobody_looked_for(self):
        run = Run("ok-6.12").drop("results", "KMEMLEAK-BEGIN").drop("results", "KMEMLEAK-END")
        self.check(run, 3, "leaks were not looked for")
        self.check(Run("ok-6.12").drop("results", "KMEMLEAK-END"), 3, "without KSWORKER-KMEMLEAK-END")

    def test_empty_files(self):
        run = Run("ok-6.12")
        run.console = run.results = ""
        self.check(run, 3, "The results file is empty", "The console log is empty", "No suite was seen")
        self.assertIn("0 passed, 0 failed, no kernel log, no pass (", run.lines[-1])

    def test_an_empty_console(self):
        for name in RUNS:
            run = Run(name)
            run.console = ""
            self.check(run, 3, "The console log is empty")

    def test_no_end_marker(self):
        for name in RUNS:
            with self.subTest(name):
                self.check(Run(name).drop("results", "GUEST-END"), 3, f"no {verdict.END}")

    def test_no_end_marker_and_a_failed_case(self):
        run = Run("ok-6.12").drop("results", "GUEST-END").edit("console", " ok 2 routine_may", " not ok 2 routine_may")
        self.check(run, 1, f"no {verdict.END}")

    def test_no_start_marker(self):
        self.check(Run("ok-6.12").drop("results", "GUEST-START"), 3, f"no {verdict.START}")

    def test_a_guest_that_boots_twice(self):
        run = Run("ok-6.12")
        run.results += run.results
        self.check(run, 3, "booted again")

    def test_results_cut_in_the_middle_of_a_line(self):
        for pattern in ("ER-GUEST-END", "D rc=0\n$", "c=0\n$", "\n$"):
            with self.subTest(pattern):
                self.check(Run("ok-6.12").cut("results", pattern), 3, "ends in the middle of a line")

    def test_a_console_cut_in_the_middle_of_a_line(self):
        for name in KUNIT_RUNS:
            run = Run(name).cut("console", "y_free_its_item\r").cut("results", "KSWORKER-SUITE-BEGIN")
            self.check(run, 3, "The console log ends in the middle of a line", "no `ksworker_guest: end kunit`")

    def test_a_console_cut_after_the_tests(self):
        self.check(Run("ok-6.12").cut("console", r"(?s)ng system.*"), 0)
        self.check(Run("ok-6.12").cut("console", r"eboot: Restarting(?s:.*)"), 3, "ends in the middle of a line")

    def test_a_console_that_ends_in_the_tests_while_the_guest_goes_on(self):
        run = Run("ok-6.12").cut("console", r"[^\n]* ok 2 routine_may")
        run.judge()
        self.assertNotEqual(run.code, 0)

    def test_no_kunit_markers(self):
        self.check(Run("ok-6.12").drop("console", "begin kunit"), 3, "never came to its tests")

    def test_no_suites(self):
        run = Run("ok-stock").edit("results", r"(?s)KSWORKER-SUITE-BEGIN capture.*unload rc=0\n", "")
        run.judge()
        self.assertNotEqual(run.code, 0)
        self.assertIn("No suite was seen", run.printed)

    def test_kunit_that_is_disabled(self):
        run = Run("ok-6.1").edit("console", r"(?s)\n[^\n]*KTAP version 1\r\n[^\n]*# Subtest: ksworker_item.*ok 2 ksworker_counted",
                                 "\n[    1.0][    T1] kunit: disabled")
        run.judge()
        self.assertNotEqual(run.code, 0)
        self.assertIn("boot with kunit.enable=1", run.printed)

    def test_qemu_that_fails(self):
        self.check(Run("ok-6.12", "--qemu-status", "1"), 3, "QEMU exited 1")

    def test_a_missing_prerequisite(self):
        run = Run("ok-6.12").edit("results", r"(?s)KSWORKER-SUITE.*", "KSWORKER-GUEST-END rc=77\n")
        run.cut("console", r"[^\n]*KTAP version 1\r\n[^\n]*1\.\.2")
        run.console += "[    1.0] ksworker_guest: end kunit\r\n"
        self.check(run, 77, "prerequisite is missing")

    def test_wrong_usage_is_a_harness_error(self):
        for arguments in ([], ["--console", "x"], ["--what"]):
            done = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, check=False)
            self.assertEqual(done.returncode, 3)

    def test_its_own_crash_is_a_harness_error(self):
        with tempfile.NamedTemporaryFile() as file:
            done = subprocess.run(
                [sys.executable, SCRIPT, "--console", file.name, "--results", file.name, "--kernel", "k", "--uname", "u", "--suite", "kunit",
                 "--seconds", "1", "--accel", "tcg", "--out", file.name + "/no", "--expect-suite", "x"], capture_output=True, check=False)
        self.assertEqual(done.returncode, 3, done.stderr)


if __name__ == "__main__":
    unittest.main()
