#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests of scripts/coverage: what gcov counted is read right, and each rule can fail."""

import base64
import importlib.machinery
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True


def load(name):
    """A script without .py as a module."""
    loader = importlib.machinery.SourceFileLoader(name, os.path.join(HERE, "..", name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    sys.modules[name] = module
    loader.exec_module(module)
    return module


coverage = load("coverage")

SOURCE = """static int place_queue(int s)
{
\tif (s & CLOSING)
\t\treturn 1;
\tpreempt_enable();
\treturn 0;
}

int KsQueueWorkItem(int s)
{
\tif (!s || item_valid(s))
\t\ts = place_queue(s);
\tpreempt_enable();
\treturn s;
}
""".splitlines()
# (line, how often, its branches)
LINES = [(1, 9, []), (3, 9, [4, 5]), (4, 4, []), (5, 5, [0, 5]), (6, 5, []),
         (9, 9, []), (11, 9, [9, 0, 3, 6]), (12, 9, []), (13, 9, [1, 8]), (14, 9, [])]
EXPLAINED = """# what is not reached
place_queue: preempt_enable();
\t1 never: the kernel's own
\t\tconcern
KsQueueWorkItem: if (!s || item_valid(s))
\t1 chance: comes and goes
"""


def counted(lines=LINES):
    return {"file": "/somewhere/src/ksworker.c",
            "functions": [{"name": "place_queue", "start_line": 1, "end_line": 7},
                          {"name": "KsQueueWorkItem", "start_line": 9, "end_line": 15}],
            "lines": [{"line_number": number, "count": count, "branches": [{"count": taken} for taken in branches]}
                      for number, count, branches in lines]}


def files(lines=LINES):
    header = dict(counted(), file="/usr/include/linux/list.h")
    return coverage.files_of([{"files": [header, counted(lines)]}], {"ksworker.c": SOURCE})


def changed(number, count, branches):
    return [(number, count, branches) if line[0] == number else line for line in LINES]


class Judged(unittest.TestCase):
    """What the three rules say."""

    def judge(self, text=EXPLAINED, lines=LINES):
        figures, rules = coverage.judge(files(lines), text)
        self.figures = figures
        return [name for name, wrong in rules if wrong], "\n".join(line for _, wrong in rules for line in wrong)

    def only_unexplained(self, words, *args):
        failed, said = self.judge(*args)
        self.assertIn("each_branch_that_is_not_reached_is_explained", failed)
        self.assertIn(words, said)

    def test_what_is_explained_passes_but_for_the_share(self):
        failed, _ = self.judge()
        self.assertEqual(failed, ["enough_branches_are_reached"])   # 8 of 10
        self.assertEqual(self.figures, coverage.Figures(10, 10, 10, 8))
        self.assertEqual(self.figures.words(), "lines 100.0 % (10 of 10), branches 80.0 % (8 of 10)")

    def test_all_is_reached(self):
        lines = [(number, count, [taken or 1 for taken in branches]) for number, count, branches in LINES]
        self.assertEqual(self.judge("", lines)[0], [])

    def test_a_line_that_is_not_reached_fails(self):
        failed, said = self.judge(lines=changed(4, 0, []))
        self.assertIn("all_lines_are_reached", failed)
        self.assertIn("ksworker.c:4: not reached: return 1;", said)

    def test_shares_are_rounded_down(self):
        self.assertEqual(coverage.Figures(2000, 1999, 1, 1).words(), "lines 99.9 % (1999 of 2000), branches 100.0 % (1 of 1)")

    def test_a_branch_without_an_entry_fails(self):
        self.only_unexplained("ksworker.c:5: 1 of 2 branches not reached, 0 explained", EXPLAINED.split("KsQ")[0].split("place")[0] + "KsQ" + EXPLAINED.split("KsQ")[1])

    def test_one_branch_more_than_the_entry_says_fails(self):
        self.only_unexplained("ksworker.c:11: 2 of 4 branches not reached, 1 explained", EXPLAINED, changed(11, 9, [9, 0, 0, 6]))

    def test_an_entry_that_is_reached_now_fails(self):
        self.only_unexplained("coverage-exceptions:2: place_queue: preempt_enable();: it explains 1 branches, and 0 of 2",
                              EXPLAINED, changed(5, 5, [2, 3]))

    def test_a_chance_that_was_reached_passes(self):
        self.assertNotIn("each_branch_that_is_not_reached_is_explained", self.judge(lines=changed(11, 9, [9, 1, 3, 6]))[0])

    def test_an_entry_for_a_line_that_is_gone_fails(self):
        for line in ("place_queue: if (s & CLOSED)", "place_take: preempt_enable();", "*: cpu_relax();", "place_queue: return 0;"):
            self.only_unexplained("there is no such line with a branch", f"{EXPLAINED}{line}\n\t1 chance: no\n")

    def test_an_entry_for_more_than_there_is_fails(self):
        self.only_unexplained("explains 3 branches", EXPLAINED.replace("1 never", "3 never"))
        self.only_unexplained("explains 5 branches", EXPLAINED.replace("1 chance", "5 chance"))

    def test_an_entry_for_all_functions(self):
        everywhere = "*: preempt_enable();\n\t1 {}: the kernel's\nKsQueueWorkItem: if (!s || item_valid(s))\n\t1 never: no\n"
        ok = "each_branch_that_is_not_reached_is_explained"
        self.assertNotIn(ok, self.judge(everywhere.format("chance"))[0])
        self.only_unexplained("(ksworker.c:13)", everywhere.format("never"))
        self.assertNotIn(ok, self.judge(everywhere.format("never"), changed(13, 9, [0, 9]))[0])

    def test_the_functions_own_entry_goes_before_the_one_for_all(self):
        text = EXPLAINED + "*: preempt_enable();\n\t2 chance: the kernel's\n"
        self.assertNotIn("each_branch_that_is_not_reached_is_explained", self.judge(text)[0])
        self.only_unexplained("ksworker.c:5: 2 of 2 branches not reached, 1 explained", text, changed(5, 5, [0, 0]))

    def test_equal_lines_of_one_function_are_one_place(self):
        source = ["void f(void)", "{", "\tif (a)", "\tif (a)", "}"]
        one = {"file": "ksworker.c", "functions": [{"name": "f", "start_line": 1, "end_line": 5}],
               "lines": [{"line_number": number, "count": 1, "branches": [{"count": 0}, {"count": 1}]} for number in (3, 4)]}
        found = coverage.files_of([{"files": [one]}], {"ksworker.c": source})
        entries = coverage.exceptions_of("f: if (a)\n\t2 never: no\n")[0]
        self.assertEqual(coverage.judge_branches(found, entries), ([], []))
        self.assertNotEqual(coverage.judge_branches(found, coverage.exceptions_of("f: if (a)\n\t1 never: no\n")[0])[0], [])

    def test_spaces_do_not_matter(self):
        failed, _ = self.judge(EXPLAINED.replace("if (!s || item", "if  (!s ||\titem"))
        self.assertNotIn("each_branch_that_is_not_reached_is_explained", failed)


class Functions(unittest.TestCase):
    """Whose line it is."""

    def test_names_come_from_the_source(self):
        source = """#define KSW_SLICE(x)	(x)
static DEFINE_MUTEX(lock);

static const u8 table[] = {
\t[0] = 1,
};

/* In a comment: f(x) */
static __always_inline enum rest queue_busy(struct ksworker *w, PWORK_QUEUE_ITEM item,
\t\t\t\t\t    u64 *s)
{
\treturn item_claim(w);
}
EXPORT_SYMBOL_GPL(queue_busy);

static bool
item_claim(struct ksworker *w)
{
\tif (w)
\t\tgoto left;
left:
\treturn true;
}
""".splitlines()
        found = coverage.functions_of(source)
        self.assertEqual({found.get(number) for number in (9, 10, 11, 12, 13)}, {"queue_busy"})
        self.assertEqual({found.get(number) for number in range(16, 24)}, {"item_claim"})
        self.assertEqual({found.get(number) for number in (1, 2, 4, 5, 8, 14)}, {None})


class Written(unittest.TestCase):
    """The file of exceptions itself."""

    def wrong(self, text):
        return "\n".join(coverage.exceptions_of(text)[1])

    def test_a_reason_may_go_on(self):
        entries, wrong = coverage.exceptions_of(EXPLAINED)
        self.assertEqual((wrong, entries[0].reason, entries[0].number), ([], "the kernel's own concern", 2))

    def test_what_is_not_an_entry_is_named(self):
        self.assertIn("exceptions:2: this is neither", self.wrong("f: if (a)\n\t1 always: why\n"))
        self.assertIn("exceptions:2: this is neither", self.wrong("f: if (a)\n\t0 never: why\n"))
        self.assertIn("exceptions:2: this is neither", self.wrong("f: if (a)\n\t1 never:\n"))
        self.assertIn("exceptions:1: this is neither", self.wrong("\t1 never: why\n"))
        self.assertIn("f: if (a): it has no line", self.wrong("f: if (a)\n"))
        self.assertIn("more than once", self.wrong("f: if (a)\n\t1 never: x\n" * 2))


class Counts(unittest.TestCase):
    """What comes from the guest."""

    def archive(self, names):
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w:gz") as tar:
            for name in names:
                tar.addfile(tarfile.TarInfo(f"gcov/{name}"), io.BytesIO())
        return raw.getvalue()

    def results(self, archive):
        return f"A\r\n{coverage.BEGIN}\r\n{base64.encodebytes(archive).decode()}{coverage.END}\r\nB\r\n"

    def test_the_archive_comes_back(self):
        archive = self.archive(["ksworker_core.gcda"])
        self.assertEqual(coverage.archive_of(self.results(archive)), archive)

    def test_none_two_or_half_an_archive_is_an_error(self):
        whole = self.results(self.archive(["a.gcda"]))
        for text in ("", whole + whole, whole.split(coverage.END)[0], whole.replace("H4s", "!4s")):
            with self.assertRaises(coverage.Harness):
                coverage.archive_of(text)

    def test_each_object_has_its_counts(self):
        with tempfile.TemporaryDirectory() as work:
            objects, to = os.path.join(work, "o"), os.path.join(work, "to")
            os.mkdir(objects)
            with self.assertRaisesRegex(coverage.Harness, "KSWORKER_GCOV"):
                coverage.unpack(self.archive([]), objects, to)
            for name in ("ksworker_core.gcno", "ksworker_debugfs.gcno", "other.gcno"):
                with open(os.path.join(objects, name), "w", encoding="utf-8"):
                    pass
            with self.assertRaisesRegex(coverage.Harness, "nothing in ksworker_debugfs.o"):
                coverage.unpack(self.archive(["ksworker_core.gcda"]), objects, to)
            both = self.archive(["ksworker_core.gcda", "ksworker_debugfs.gcda"])
            self.assertEqual(coverage.unpack(both, objects, to), ["ksworker_core.gcno", "ksworker_debugfs.gcno"])
            with self.assertRaisesRegex(coverage.Harness, "damaged"):
                coverage.unpack(both[:-9], objects, to)

    def test_a_file_that_is_not_built_is_an_error(self):
        with self.assertRaisesRegex(coverage.Harness, "nothing was counted in ksworker_io.c"):
            coverage.files_of([{"files": [counted()]}], {"ksworker.c": SOURCE, "ksworker_io.c": []})

    def test_a_tracefile_for_genhtml(self):
        text = coverage.tracefile(files(), "/src")
        for line in ("SF:/src/ksworker.c", "FN:1,place_queue", "FNDA:9,place_queue", "BRDA:5,0,0,0", "BRDA:5,0,1,5", "DA:4,4", "end_of_record"):
            self.assertIn(line, text.splitlines())
        self.assertIn("BRDA:5,0,1,-", coverage.tracefile(files(changed(5, 0, [0, 0])), "/src"))


@unittest.skipUnless(shutil.which("gcc") and shutil.which("gcov"), "no gcc")
class Real(unittest.TestCase):
    """A program that gcc built, run and read by gcov: its JSON is what is expected."""

    def test_gcov_says_what_ran(self):
        with tempfile.TemporaryDirectory() as work:
            source = "int main(int argc, char **argv)\n{\n\tif (argc > 1)\n\t\treturn 1;\n\treturn !argv;\n}\n"
            with open(os.path.join(work, "ksworker.c"), "w", encoding="utf-8") as file:
                file.write(source)
            subprocess.run(["gcc", "--coverage", "-c", "ksworker.c", "-o", "ksworker.o"], cwd=work, check=True)
            subprocess.run(["gcc", "--coverage", "ksworker.o", "-o", "a.out"], cwd=work, check=True)
            subprocess.run([os.path.join(work, "a.out")], cwd=work, check=True)
            found = coverage.files_of(coverage.gcov(["ksworker.gcno"], work), coverage.sources_of(work))["ksworker.c"]
            self.assertEqual([found[number].count for number in (3, 4, 5)], [1, 0, 1])
            self.assertEqual(sorted(found[3].branches), [0, 1])
            self.assertEqual((found[3].function, found[3].text), ("main", "if (argc > 1)"))


if __name__ == "__main__":
    unittest.main()
