#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests of the benchmark's gate: what is a regression, and what is only a peer's luck."""

import contextlib
import io
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "..", "bench"))

import report                           # noqa: E402

RATIO = {"name": "S1 to raw", "part": "icount", "kind": "ratio", "scenario": "S1",
         "against": ["raw_percpu", "raw_unbound"], "goal": 1.05, "recorded": 0.2, "recorded_ours": 100}
MEMORY = {"name": "S6m", "part": "icount", "kind": "memory", "workers": "10", "against": ["raw_unbound"],
          "resolution": 16, "goal": 256, "recorded": 256}


class Gate(unittest.TestCase):
    def judged(self, goal, ours, peer=500, memory=None):
        results = {"S1": {"ksworker": {"min": ours, "median": 9 * ours}, "raw_percpu": {"min": 2 * peer, "median": 1},
                          "raw_unbound": {"min": peer, "median": 1}}}
        part = {"header": {}, "results": results if ours else {}, "memory": memory or {}}
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            failed = report.judge({"goals": [goal], "tolerance": 0.05, "memory_tolerance": 16}, {"icount": part})
        return failed, said.getvalue()

    def test_as_recorded(self):
        failed, said = self.judged(RATIO, 100)
        self.assertEqual(failed, 0)
        self.assertIn("ok - S1 to raw: 0.200 (100 / 500), recorded 0.200, goal 1.050", said)
        self.assertIn("# 1 of 1 goals reached\n1 passed, 0 failed", said)

    def test_more_than_5_percent_worse(self):
        self.assertEqual(self.judged(RATIO, 104.9)[0], 0)
        failed, said = self.judged(RATIO, 105.1)
        self.assertEqual(failed, 1)
        self.assertIn("not ok - S1 to raw", said)
        self.assertIn("more than 5% worse than recorded", said)

    def test_a_goal_that_the_scheduler_moves(self):
        goal = {**RATIO, "tolerance": 0.2}
        self.assertEqual(self.judged(goal, 119)[0], 0)
        failed, said = self.judged(goal, 121)
        self.assertEqual(failed, 1)
        self.assertIn("more than 20% worse than recorded", said)

    def test_a_peer_that_was_disturbed_less(self):
        self.assertEqual(self.judged(RATIO, 100, peer=400)[0], 0)
        self.assertEqual(self.judged(RATIO, 106, peer=400)[0], 1)

    def test_a_kernel_on_which_all_costs_more(self):
        self.assertEqual(self.judged(RATIO, 150, peer=750)[0], 0)

    def test_a_goal_without_instructions_of_ours(self):
        goal = {**RATIO, "kind": "constant", "constant": 500}
        del goal["recorded_ours"]
        self.assertEqual(self.judged(goal, 100)[0], 0)
        self.assertEqual(self.judged(goal, 106)[0], 1)

    def test_memory(self):
        for ours, failures in ((756, 0), (772, 0), (788, 1)):
            memory = {"ksworker": {"10": ours}, "raw_unbound": {"10": 500}}
            self.assertEqual(self.judged(MEMORY, 100, memory=memory)[0], failures, ours)

    def test_what_was_not_measured_is_no_pass(self):
        failed, said = self.judged(RATIO, 0)
        self.assertEqual(failed, 1)
        self.assertIn("was not measured", said)

    def test_a_goal_that_is_not_reached_is_shown(self):
        failed, said = self.judged({**RATIO, "goal": 0.19}, 100)
        self.assertEqual(failed, 0)
        self.assertIn("# goal not reached", said)
        self.assertIn("# 0 of 1 goals reached", said)


if __name__ == "__main__":
    unittest.main()
