#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests of scripts/mutants.py, with a small tree and a vmtest that only looks at the source."""

import contextlib
import io
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, ".."))

import mutants                          # noqa: E402
from mutants_list import Mutant         # noqa: E402

SOURCE = "int f(void)\n{\n\tif (a)\n\t\treturn 1;\n\tb();\n\tc();\n\treturn 0;\n}\n"
# what the fake guest notices: no `return 1` is a failed case, `oops` a splat, `syntax` does not build
VMTEST = r"""#!/bin/sh
cd "$(dirname "$0")/.." || exit 3
out=build/$2
mkdir -p "$out"
echo "$*" >>build/arguments
grep -q syntax ksworker.c && { echo "error: syntax"; exit 3; }
rc=0 failing= splats= reasons=
grep -q 'return 1' ksworker.c || { rc=1; failing='{"case": "s.c"}'; reasons='"Case s.c failed."'; }
grep -q oops ksworker.c && { rc=2; splats='"BUG: KASAN: slab-use-after-free in f"'; }
grep -q hangs ksworker.c && { rc=2; reasons='"The guest was stopped after its time limit (3 s so far)."'; }
grep -q dies ksworker.c && { rc=3; reasons='"The results have no KSWORKER-GUEST-END: the guest stopped before its end."'; }
echo "{\"failing\": [$failing], \"splat_titles\": [$splats], \"reasons\": [$reasons]}" >"$out/summary.json"
exit $rc
"""
LIST = [
    Mutant("case", "return 1", "return 2"),
    Mutant("splat", "b();", "oops();", kernel="6.12-debug"),
    Mutant("hang", "b();", "hangs();"),
    Mutant("death", "b();", "dies();"),
    Mutant("unnoticed", "c();", "d();"),
    Mutant("broken", "c();", "syntax"),
    Mutant("same", "c();\n\treturn 0", "return c(), 0", equivalent="c() is void, nearly"),
]


@unittest.skipUnless(shutil.which("rsync"), "no rsync")
class Run(unittest.TestCase):
    """The whole command."""

    def setUp(self):
        self.top = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.top / "scripts").mkdir()
        (self.top / "ksworker.c").write_text(SOURCE)
        (self.top / "scripts/vmtest").write_text(VMTEST)
        (self.top / "scripts/vmtest").chmod(0o755)
        self.saved = mutants.TOP, mutants.MUTANTS
        mutants.TOP, mutants.MUTANTS = self.top, LIST
        self.work = self.top / "build/mutants"

    def tearDown(self):
        mutants.TOP, mutants.MUTANTS = self.saved

    def run_(self, *options):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = mutants.main(["--work", str(self.work), "--json", str(self.work / "m.json"), *options])
        return code, out.getvalue()

    def runs(self):
        path = self.work / "src/build/arguments"
        return path.read_text().splitlines() if path.exists() else []

    def test_who_killed_whom(self):
        code, said = self.run_("--only", "case", "splat", "hang", "death", "same")
        self.assertEqual(code, 0, said)
        self.assertEqual(said.splitlines()[-1], "4 passed, 0 failed")
        for line in (r"case +6.12-plain +\d+  1 case; s.c", r"splat +6.12-debug +\d+  KASAN", r"hang .*the guest hung",
                     r"death .*the guest died", r"same .*equivalent: c\(\) is void, nearly", r"\(unchanged\) +6.12-debug .*passes"):
            self.assertRegex(said, line)
        found = json.loads((self.work / "m.json").read_text())
        self.assertEqual(found["counts"], {"killed": 4, "survived": 0, "equivalent": 1, "error": 0})
        self.assertEqual(found["mutants"]["splat"]["killers"], {"KASAN": 1})
        self.assertEqual((self.top / "ksworker.c").read_text(), SOURCE)

    def test_a_survivor_fails(self):
        code, said = self.run_("--only", "unnoticed", "case")
        self.assertEqual((code, said.splitlines()[-1]), (1, "1 passed, 1 failed"))
        self.assertIn("survived: unnoticed", said)

    def test_what_does_not_build_is_no_kill(self):
        code, said = self.run_("--only", "broken")
        self.assertEqual((code, said.splitlines()[-1]), (3, "0 passed, 1 failed"))
        self.assertIn("before the guest ran", said)

    def test_the_unchanged_tree_must_pass(self):
        (self.top / "ksworker.c").write_text(SOURCE + "oops\n")
        code, said = self.run_("--only", "case")
        self.assertEqual(code, 3)
        self.assertIn("the unchanged tree does not pass on 6.12-plain", said)

    def test_every_text_that_is_not_there_once_is_named(self):
        (self.top / "ksworker.c").write_text(SOURCE.replace("b();", "b(); b();").replace("return 1", "return 9"))
        code, said = self.run_()
        self.assertEqual(code, 3)
        for words in ("4 entries", "case: its text stands in ksworker.c 0 times", "splat: its text stands in ksworker.c 2 times", "\t| b();"):
            self.assertIn(words, said)
        self.assertEqual(self.runs(), [])

    def test_resume_runs_only_what_is_not_known(self):
        self.run_("--only", "case", "unnoticed")
        before = len(self.runs())
        code, said = self.run_("--resume", "--only", "case", "unnoticed", "hang")
        self.assertEqual(code, 1)
        self.assertEqual(len(self.runs()), before + 1)
        self.assertRegex(said, r"case .*\(known\)")
        (self.top / "scripts/guest-init").write_text("changed")
        self.run_("--resume", "--only", "case")
        self.assertEqual(len(self.runs()), before + 3)     # and the baseline

    def test_an_error_is_not_remembered(self):
        self.run_("--only", "broken")
        before = len(self.runs())
        self.run_("--resume", "--only", "broken")
        self.assertEqual(len(self.runs()), before + 1)

    def test_a_file_is_newer_after_each_change(self):
        self.run_("--only", "case")
        mutated = (self.work / "src/ksworker.c").stat().st_mtime_ns
        time.sleep(0.02)
        self.run_("--only", "splat", "unnoticed")
        self.assertGreater((self.work / "src/ksworker.c").stat().st_mtime_ns, mutated)
        self.assertIn("d();", (self.work / "src/ksworker.c").read_text())

    def test_wrap_and_limits_reach_vmtest(self):
        marker = self.top / "wrapped"
        self.run_("--wrap", f"sh -c 'touch {marker}; exec \"$@\"' sh", "--only", "case")
        self.assertTrue(marker.exists())
        self.assertNotIn("--after-failure", self.runs()[0])
        self.assertRegex(self.runs()[1], r"--kernel 6.12-plain --cpus 2 --timeout \d+ --silence \d+ --append ksworker_kunit.patience=\d+ --after-failure \d+")

    def test_an_unknown_name_is_an_error(self):
        self.assertEqual(self.run_("--only", "nobody")[0], 3)
        code, said = self.run_("--list")
        self.assertEqual((code, len(said.splitlines())), (0, len(LIST)))


class Judged(unittest.TestCase):
    """What a summary says."""

    def test_a_run_that_was_stopped_after_its_first_failure(self):
        summary = {"failing": [{"case": "s.a"}, {"case": "s.b"}], "splat_titles": [],
                   "reasons": ["The guest was stopped after its time limit (9 s so far).", "The results have no KSWORKER-GUEST-END: it"]}
        result = mutants.verdict_of(2, summary, None)
        self.assertEqual((result["verdict"], mutants.killers_words(result)), ("killed", "2+ cases; s.a"))

    def test_a_warning_that_did_not_come(self):
        reasons = ["The warning `x` was expected (console line 3) and no later WARNING has this text."]
        self.assertEqual(mutants.killers_of({"reasons": reasons}), {"missing warning": 1})

    def test_detectors(self):
        for title, name in (("BUG: KCSAN: data-race in a / b", "KCSAN"), ("BUG: KASAN: slab-use-after-free in f", "KASAN"),
                            ("unreferenced object 0xffff888", "kmemleak"), ("WARNING: possible circular locking dependency detected", "lockdep"),
                            ("WARNING: CPU: 1 PID: 3 at ksworker.c:1", "warning"), ("BUG: unable to handle page fault", "oops"),
                            ("ODEBUG: activate active", "debug objects")):
            self.assertEqual(mutants.detector(title), name)

    def test_the_catalogue_is_large_and_has_names_once(self):
        names = [mutant.name for mutant in mutants.MUTANTS]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreaterEqual(len(names), 40)


if __name__ == "__main__":
    unittest.main()
