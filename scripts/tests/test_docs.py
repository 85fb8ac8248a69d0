#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests of what makes the documents: declarations, the tools' pages, links that lead nowhere."""

import importlib.machinery
import importlib.util
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, ".."))


def script(name):
    loader = importlib.machinery.SourceFileLoader(name, os.path.join(HERE, "..", name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


docs = script("docs")
HEADER = """
NTSTATUS __must_check KsQueueWorkItem(PKSWORKER Worker, PWORK_QUEUE_ITEM WorkItem);
NTSTATUS __must_check KsRegisterCountedWorker(WORK_QUEUE_TYPE WorkQueueType,
\t\t\t\t\t      PWORK_QUEUE_ITEM CountedWorkItem,
\t\t\t\t\t      PKSWORKER *Worker);
typedef void (*PWORKER_THREAD_ROUTINE)(PVOID Parameter);
typedef struct _WORK_QUEUE_ITEM {
\tLIST_ENTRY List;
} WORK_QUEUE_ITEM, *PWORK_QUEUE_ITEM;
#define KSWORKER_VERSION_MAJOR\t9
#define KSWORKER_VERSION_MINOR\t8
#define KSWORKER_VERSION_PATCH\t7
#define KsRegisterCountedWorker(WorkQueueType, CountedWorkItem, Worker) \\
\tx(Worker);
"""
TOOL = """#!/usr/bin/env python3
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--once")
parser.parse_args()
"""
PAGE = '.TH x 1 "@DATE@" "ksworker @VERSION@"\n.B \\-\\-once\n.BR \\-\\-help\n'


class Case(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = directory.name

    def put(self, **files):
        for name, text in files.items():
            path = os.path.join(self.root, name.replace("__", "/").replace("_dot_", "."))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return docs.Tree(self.root)


class Declarations(Case):
    def test_a_call_is_shown_as_the_header_has_it(self):
        self.assertEqual(docs.declaration(HEADER, "KsQueueWorkItem"),
                         "NTSTATUS KsQueueWorkItem(PKSWORKER Worker, PWORK_QUEUE_ITEM WorkItem);")

    def test_a_long_one_has_an_argument_in_each_line(self):
        self.assertEqual(docs.declaration(HEADER, "KsRegisterCountedWorker").splitlines(), [
            "NTSTATUS KsRegisterCountedWorker(WORK_QUEUE_TYPE WorkQueueType,",
            "                                 PWORK_QUEUE_ITEM CountedWorkItem,",
            "                                 PKSWORKER *Worker);"])

    def test_types_and_callbacks(self):
        self.assertIn("    LIST_ENTRY List;\n} WORK_QUEUE_ITEM", docs.declaration(HEADER, "WORK_QUEUE_ITEM"))
        self.assertEqual(docs.declaration(HEADER, "PWORKER_THREAD_ROUTINE"), "typedef void (*PWORKER_THREAD_ROUTINE)(PVOID Parameter);")

    def test_what_is_not_declared_is_a_failure(self):
        with self.assertRaisesRegex(docs.Failed, "no declaration of KsNothing"):
            docs.declaration(HEADER, "KsNothing")


class ToolPages(Case):
    def pages(self, page=PAGE, tool=TOOL):
        tree = self.put(ksworker_dot_h=HEADER, NEWS="ksworker NEWS\n\n9.8.7 (2026-11-22)\n", tools__top=tool, tools__top_dot_1_dot_in=page)
        names = docs.tool_pages(tree, os.path.join(self.root, "build"))
        with open(os.path.join(self.root, "build/top.1"), encoding="utf-8") as file:
            return names, file.read()

    def test_version_and_date_are_put_in(self):
        names, page = self.pages()
        self.assertEqual(names, ["top"])
        self.assertIn('"2026-11-22" "ksworker 9.8.7"', page)

    def test_an_option_that_the_page_has_not_is_a_failure(self):
        with self.assertRaisesRegex(docs.Failed, "one of the two only: --once"):
            self.pages(page=PAGE.replace("once", "help"))

    def test_an_option_that_the_tool_has_not_is_a_failure(self):
        with self.assertRaisesRegex(docs.Failed, "one of the two only: --twice"):
            self.pages(page=PAGE + ".B \\-\\-twice\n")

    def test_a_tool_without_a_page_is_a_failure(self):
        self.put(tools__other=TOOL)
        with self.assertRaisesRegex(docs.Failed, "there are tools"):
            self.pages()


class DeadLinks(Case):
    def links(self, page):
        self.put(html__index_dot_html=page, html__other_dot_html='<p id="here">')
        return docs.check_links(os.path.join(self.root, "html"))

    def test_links_that_lead_somewhere_are_counted(self):
        self.assertEqual(self.links('<a href="other.html#here"></a><a href="other.html"></a><a href="https://x.example/"></a>'),
                         (2, {"https://x.example/"}))

    def test_a_link_to_no_file_or_no_place_is_a_failure(self):
        with self.assertRaisesRegex(docs.Failed, "index.html: others.html leads nowhere"):
            self.links('<a href="others.html"></a>')
        with self.assertRaisesRegex(docs.Failed, "other.html#there: there is no such place"):
            self.links('<a href="other.html#there"></a>')


if __name__ == "__main__":
    unittest.main()
