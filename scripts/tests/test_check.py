#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests of the static checks: each is quiet on a small tree that is right, and finds a planted fault.

What has to be built (sparse, w1-build, readme-example, coccicheck) is tried by hand; here only
what these read from their tools' output.
"""

import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, ".."))

from checks import builds, text, tools              # noqa: E402
from checks.tree import Missing, Tree, need, without_comments   # noqa: E402

SPDX = "// SPDX-License-Identifier: GPL-2.0\n"
HEADER = "/* SPDX-License-Identifier: GPL-2.0 */\n"
CORE = SPDX + """#include "ksworker.h"

/**
 * KsQueueWorkItem() - Queue an item on a worker.
 * @worker: where
 *
 * Context: any but NMI.
 * Return: STATUS_SUCCESS or why not.
 */
NTSTATUS KsQueueWorkItem(PKSWORKER worker)
{
\tatomic_set_release(&worker->state, 1);	/* [ksw:publish] */
\treturn 0;
}
EXPORT_SYMBOL_GPL(KsQueueWorkItem);

/**
 * KsUnregisterWorker() - Close a worker.
 * @worker: which
 *
 * Context: may sleep.
 */
VOID KsUnregisterWorker(PKSWORKER worker)
{
\tatomic_read_acquire(&worker->state);	/* [ksw:publish] */
}
EXPORT_SYMBOL_GPL(KsUnregisterWorker);
MODULE_VERSION(KSWORKER_VERSION);
"""
KUNIT = SPDX + """
static struct kunit_case item_cases[] = {
\tKUNIT_CASE(queue_runs_once),
\tKUNIT_CASE_PARAM(every_state_answers, states_gen_params),
\t{}
};

static struct kunit_suite item_suite = {
\t.name = "ksworker_item",
\t.test_cases = item_cases,
};
"""
ROWS = "".join(f"| `{rule}` | what it does | `ksworker_item.queue_runs_once`, `unload.kernel_survives` |\n" for rule in text.RULES)
GOOD = {
    "ksworker.c": CORE,
    "ksworker.h": HEADER + "#define X 1\n#define KSWORKER_VERSION_MAJOR\t9\n#define KSWORKER_VERSION_MINOR\t8\n#define KSWORKER_VERSION_PATCH\t7\n",
    "NEWS": "ksworker NEWS\n\n9.8.7 (2026-11-22)\n  All new.\n\n9.8.6 (2026-11-21)\n",
    "debian/changelog": "ksworker (9.8.7) unstable; urgency=medium\n",
    "dkms.conf": 'PACKAGE_VERSION="#MODULE_VERSION#"\n',
    "packaging/ksworker.pc.in": "Version: @VERSION@\n",
    "docs/conf.py": "# SPDX-License-Identifier: GPL-2.0\nproject = \"ksworker\"\n",
    "tools/ksworker-top.1.in": '.TH ksworker-top 1 "@DATE@" "ksworker @VERSION@"\n',
    "ksworker_compat.h": HEADER + "#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)\n#endif\n",
    "kunit/item.c": KUNIT,
    "docs/semantics.md": "# What each rule does\n\n| rule | behaviour | test |\n|---|---|---|\n" + ROWS +
                         "| `E-null-worker` | refused | `ksworker_item.every_state_answers` |\n",
    "README.md": "# ksworker\n\nSee [the rules](docs/semantics.md#what-each-rule-does), `ksworker.h`, [this](#ksworker), `scripts/guest/unload.sh`"
                 " and the kernel's `scripts/checkpatch.pl`.\n",
    "scripts/guest/unload.sh": "#!/bin/sh\n# SPDX-License-Identifier: GPL-2.0\necho ok 1 kernel_survives\n",
    "scripts/tool": "#!/usr/bin/env python3\n# SPDX-License-Identifier: GPL-2.0\nprint(1)\n",
}


def grown(lines):
    return CORE.replace("\treturn 0;\n", "\tbarrier();\n" * lines + "\treturn 0;\n")


# check: [(file, its faulty text or a change (old, new), what the check says)]
FAULTS = {
    "spdx": [("scripts/tool", ("# SPDX-License-Identifier: GPL-2.0\n", ""), "scripts/tool: no"),
             ("Kbuild", "obj-m += x.o\n", "Kbuild: no")],
    "machine_paths": [("README.md", ("# ksworker", "# see /" + "work/main/x"), "README.md:1"),
                      ("scripts/tool", ("print(1)", "print('/" + "home/me/x')"), "scripts/tool:3"),
                      ("scripts/guest/unload.sh", ("echo", ". /" + "root/x\necho"), "unload.sh:3")],
    "python_compile": [("scripts/tool", ("print(1)", "print(1"), "scripts/tool: "),
                       ("scripts/tool", ("print(1)", "print(1 is 1)"), "scripts/tool: "),
                       ("x.py", "def f(:\n", "x.py: ")],
    "barrier_tags": [("ksworker.c", ("atomic_read_acquire(&worker->state);	/* [ksw:publish] */", ""), "[ksw:publish] stands nowhere else"),
                     ("ksworker.c", ("[ksw:publish]", "[ksw:Publish]"), "small letters")],
    "model_tags": [("ksworker.c", ("\treturn 0;", "\tatomic64_try_cmpxchg(&worker->state, &s, 1);\n\treturn 0;"), "has no [model:name]"),
                   ("ksworker.c", ("\treturn 0;", "\treturn 0; /* [model:nowhere] */"), "no model has that")],
    "function_length": [("ksworker.c", grown(41), "KsQueueWorkItem has 46 lines")],
    "no_if_in_c": [("ksworker.c", ("\treturn 0;", "#ifdef CONFIG_SMP\n\treturn 0;\n#endif"), "#ifdef CONFIG_SMP"),
                   ("ksworker_io.c", SPDX + "#  if 1\n#  endif\n", "ksworker_io.c:2")],
    "version_test": [("ksworker.h", ("#define X 1", "#if LINUX_VERSION_CODE > 1\n#endif"), "ksworker.h:2"),
                     ("kunit/item.c", ("\t{}\n", "\t{KERNEL_VERSION(6, 1, 0)}\n"), "kunit/item.c")],
    "version": [("ksworker.h", ("#define KSWORKER_VERSION_MINOR\t8\n", ""), "ksworker.h: no KSWORKER_VERSION_MAJOR"),
                ("ksworker.h", ("VERSION_PATCH\t7", "VERSION_PATCH\t8"), "NEWS: begins with 9.8.7, ksworker.h says 9.8.8"),
                ("NEWS", ("9.8.7", "9.8.70"), "NEWS: begins with 9.8.70"),
                ("debian/changelog", ("(9.8.7)", "(9.8.6)"), "debian/changelog: begins with 9.8.6"),
                ("README.md", ("# ksworker", "# ksworker 9.8.7."), "README.md:1: names the version"),
                ("dkms.conf", ("#MODULE_VERSION#", "9.8.6"), "dkms.conf: names the version \"9.8.6\""),
                ("packaging/ksworker.pc.in", ("@VERSION@", "9.8.6"), "packaging/ksworker.pc.in: names the version 9.8.6"),
                ("docs/conf.py", ("project", "release = \"9.8.6\"\nproject"), "docs/conf.py: names the version \"9.8.6\""),
                ("docs/conf.py", ("project", "release = \"9.8.7\"\nproject"), "docs/conf.py:2: names the version 9.8.7"),
                ("tools/ksworker-top.1.in", ("@VERSION@", "9.8.6"), "its .TH line has no"),
                ("ksworker.c", ("MODULE_VERSION(KSWORKER_VERSION)", "MODULE_VERSION(\"1\")"), "no .c file says MODULE_VERSION")],
    "exports_documented": [("ksworker.c", (" * Context: any but NMI.\n", ""), "no `Context:`"),
                           ("ksworker.c", (" * Return: STATUS_SUCCESS or why not.\n", ""), "no `Return:`"),
                           ("ksworker.c", ("KsUnregisterWorker() - Close", "KsUnregister() - Close"), "KsUnregisterWorker has no kernel-doc"),
                           ("ksworker.c", ("EXPORT_SYMBOL_GPL(KsUn", "EXPORT_SYMBOL(KsUn"), "exports are EXPORT_SYMBOL_GPL"),
                           ("ksworker.c", ("EXPORT_SYMBOL_GPL(KsUn", "EXPORT_SYMBOL_NS_GPL(KsUn"), "exports are EXPORT_SYMBOL_GPL"),
                           ("ksworker.c", SPDX, "no EXPORT_SYMBOL_GPL was found")],
    "semantics": [("docs/semantics.md", None, "docs/semantics.md is missing"),
                  ("docs/semantics.md", ("| `G7` |", "| G7 |"), "no row for the rule `G7`"),
                  ("docs/semantics.md", ("`T-queue-strict-running+queued`", "`T-queue-strict-runnin`"), "no row for the rule `T-queue-strict-running+queued`"),
                  ("docs/semantics.md", ("`ksworker_item.every_state_answers`", "none"), "the rule E-null-worker has no case"),
                  ("docs/semantics.md", ("`ksworker_item.every_state_answers`", "`ksworker_item.queue_runs_once`"), "ksworker_item.every_state_answers is under no rule"),
                  ("docs/semantics.md", ("`ksworker_item.every_state_answers`", "`ksworker_item.every_state`"), "names `ksworker_item.every_state`, which is neither"),
                  ("docs/semantics.md", ("`ksworker_item.queue_runs_once`", "`ksworker_close.queue_runs_once`"), "names `ksworker_close.queue_runs_once`"),
                  ("scripts/guest/unload.sh", ("echo ok 1 kernel_survives", "# kernel_survives"), "names `unload.kernel_survives`"),
                  ("kunit/item.c", ("\t{}\n};", "\t{}\n};\n\nKUNIT_CASE(lost)"), "outside"),
                  ("kunit/item.c", (".test_cases = item_cases", ".test_cases = other_cases"), "a suite needs .name"),
                  ("kunit/more.c", KUNIT.split("static struct kunit_suite", maxsplit=1)[0], "are in no suite"),
                  ("kunit/item.c", ("KUNIT_CASE(queue_runs_once)", "/* KUNIT_CASE(queue_runs_once) */"), "names `ksworker_item.queue_runs_once`")],
    "links": [("README.md", ("(docs/semantics.md#", "(docs/semantic.md#"), "the link to docs/semantic.md"),
              ("README.md", ("#what-each-rule-does", "#what-it-does"), "no heading for #what-it-does"),
              ("README.md", ("(#ksworker)", "(#other)"), "no heading for #other"),
              ("README.md", ("`ksworker.h`", "`ksworker_io.h`"), "there is no ksworker_io.h"),
              ("README.md", ("`scripts/guest/unload.sh`", "`scripts/guest/unlod.sh`"), "README.md:3: there is no scripts/guest/unlod.sh")],
}
TOOL_FAULTS = {
    "shellcheck": [("scripts/guest/unload.sh", ("echo ok", "echo $1 ok"), "SC2086")],
    "codespell": [("README.md", ("# ksworker", "# ksworker, t" + "eh worker"), "README.md:1")],
    "checkpatch": [("ksworker.c", ("\treturn 0;", "    return(0);"), "ksworker.c:14"),
                   ("ksworker.h", ("#define X 1", "#define X LINUX_VERSION_CODE"), "LINUX_VERSION_CODE")],
    "kernel_doc": [("ksworker.c", (" * @worker: where\n", ""), "'worker' not described"),
                   ("ksworker.c", (" * Return: STATUS_SUCCESS or why not.\n", ""), "return value of 'KsQueueWorkItem'"),
                   ("ksworker.c", ("NTSTATUS KsQueueWorkItem(PKSWORKER worker)", "NTSTATUS (KsQueueWorkItem)(PKSWORKER item)"), "'item' not described")],
}


class Case(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def tree(self, changes=()):
        files = dict(GOOD)
        for name, change in changes:
            if change is None:
                del files[name]
            elif isinstance(change, tuple):
                self.assertIn(change[0], files[name], "the fault cannot be planted")
                files[name] = files[name].replace(change[0], change[1], 1)
            else:
                files[name] = change
        with tempfile.TemporaryDirectory(dir=self.directory.name, delete=False) if sys.version_info >= (3, 12) \
                else _Kept(self.directory.name) as root:
            for name, content in files.items():
                os.makedirs(os.path.join(root, os.path.dirname(name)), exist_ok=True)
                with open(os.path.join(root, name), "w", encoding="utf-8") as file:
                    file.write(content)
            return Tree(root)

    def each(self, module, faults):
        for name, planted in faults.items():
            check = getattr(module, name)
            with self.subTest(name, fault="none"):
                self.assertEqual(check(self.tree()), [])
            for place, change, said in planted:
                with self.subTest(name, fault=said):
                    self.assertIn(said, "\n".join(check(self.tree([(place, change)]))))


class _Kept:
    def __init__(self, where):
        self.root = tempfile.mkdtemp(dir=where)

    def __enter__(self):
        return self.root

    def __exit__(self, *_):
        pass


class Checks(Case):
    def test_text_checks_find_what_was_planted(self):
        self.each(text, FAULTS)

    def test_tools_find_what_was_planted(self):
        self.each(tools, TOOL_FAULTS)

    def test_every_check_of_the_text_is_tried_here(self):
        with open(os.path.join(HERE, "..", "check"), encoding="utf-8") as file:
            listed = file.read()
        for name in FAULTS:
            self.assertIn(f"text.{name},", listed)
        self.assertEqual(listed.count(": text."), len(FAULTS))

    def test_a_function_of_45_lines_is_not_too_long(self):
        self.assertEqual(text.function_length(self.tree([("ksworker.c", grown(40))])), [])

    def test_the_dash_of_the_state_table_needs_no_row(self):
        self.assertEqual(len([rule for rule in text.RULES if rule.startswith("T-")]), 34)
        self.assertNotIn("T-queue-queued-item-idle", text.RULES)

    def test_comments_and_strings_are_blanked(self):
        code = 'a; /* KERNEL_VERSION\n */ b("// #if"); // c\nd'
        self.assertEqual(without_comments(code).replace(" ", ""), 'a;\nb("");\nd')

    def test_a_missing_tool_names_its_package(self):
        with self.assertRaisesRegex(Missing, "no-such-tool is missing: apt-get install its-package"):
            need("no-such-tool", "its-package")


class Builds(Case):
    def test_what_counts_as_a_complaint(self):
        for line in ("ksworker.c:3:1: warning: no previous prototype", "ksworker.c:3: error: x", "ERROR: modpost: \"f\" undefined!",
                     "WARNING: modpost: missing MODULE_DESCRIPTION() in x.o"):
            self.assertTrue(builds.COMPLAINT.search(line), line)
        for line in ("  CC [M]  ksworker.o", "make: Entering directory", "  LD [M]  ksworker.ko"):
            self.assertFalse(builds.COMPLAINT.search(line), line)

    def test_the_example_that_is_taken(self):
        first = "```c\nfirst\n```\n"
        self.assertEqual(builds.example_of(first + "```sh\nx\n```\n"), "first\n")
        self.assertEqual(builds.example_of(first + "```c title=example\nsecond\n```\n"), "second\n")
        self.assertEqual(builds.example_of(first + "<!-- example -->\n```c\nthird\n```\n"), "third\n")
        self.assertIsNone(builds.example_of("no code"))

    def test_without_sources_nothing_passes(self):
        tree = self.tree()
        self.assertTrue(builds.w1_build(tree))
        self.assertTrue(builds.readme_example(tree))

    def test_a_kernel_that_cannot_be_made_is_a_failure(self):
        tree = self.tree([("Kbuild", "obj-m := x.o\n")])
        self.assertIn("scripts/mkkernel exited", "\n".join(builds.w1_build(tree)))


class Front(Case):
    def call(self, *arguments):
        done = subprocess.run([sys.executable, os.path.join(HERE, "..", "check"), *arguments], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def test_lines_and_exit_codes(self):
        self.assertEqual(self.call("--root", self.tree().root, "spdx", "links"), (0, "ok - spdx\nok - links\n2 passed, 0 failed\n"))
        code, out = self.call("--root", self.tree([("Kbuild", "obj-m += x.o\n")]).root, "spdx", "links")
        self.assertEqual(code, 1)
        self.assertTrue(out.startswith("not ok - spdx\n    Kbuild: no "), out)
        self.assertTrue(out.endswith("ok - links\n1 passed, 1 failed\n"), out)

    def test_an_unknown_name_is_an_error(self):
        self.assertEqual(self.call("spdxx")[0], 3)


if __name__ == "__main__":
    unittest.main()
