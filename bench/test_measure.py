# SPDX-License-Identifier: MIT
"""Of measure.py: what it makes of numbers; and of bench/run: what it leaves behind when it is ended.

    test_measure.py [BUILD]
"""
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
BUILD = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else None

import children  # noqa: E402
from measure import Bench, Kind, Missing, cpu_seconds, in_turn, need, spread  # noqa: E402


def bench(rounds=4):
    """Without programs: the test measures."""
    options = type("Options", (), {"rounds": rounds, "length": 1, "again": False, "quick": False,
                                   "no_peers": True, "shim": ["s"], "build": "/nowhere"})
    b = Bench(options, "/nowhere")
    b.peers = [Kind("naive", rounds=3), Kind("strace", outside=True, slow=100, rounds=2, turns=3)]
    return b


class Spread(unittest.TestCase):
    def test_what_is_always_the_same_has_no_spread(self):
        self.assertEqual(spread([[7.0] * 3] * 5), {"median": 7.0, "low": 7.0, "high": 7.0})

    def test_one_value(self):
        self.assertEqual(spread([[3.0]]), {"median": 3.0, "low": 3.0, "high": 3.0})

    def test_median_is_of_all_turns_whatever_their_round(self):
        self.assertEqual(spread([[1, 2, 9], [4]])["median"], 3)

    def test_one_that_is_far_off_does_not_move_it(self):
        s = spread([[1.0, 1.1], [0.9, 1.0], [1.0, 500.0], [1.0, 1.05], [0.95, 1.0]])
        self.assertEqual(s["median"], 1.0)
        self.assertLess(s["high"], 2)

    def test_more_rounds_say_it_better(self):
        chance = random.Random(2)

        def width(nr):
            s = spread([[chance.gauss(1, 0.1) for _ in range(3)] for _ in range(nr)])
            return s["high"] - s["low"]
        self.assertLess(width(60), width(6) / 2)

    def test_rounds_that_differ_are_told_however_alike_their_turns(self):
        """Where a process lies in memory: a hundred turns say no more about that than one."""
        s = spread([[1.0] * 100, [2.0] * 100, [3.0] * 100])
        self.assertEqual((s["low"], s["high"]), (1.0, 3.0))

    def test_true_median_lies_within_as_often_as_is_said(self):
        chance, within = random.Random(3), 0
        for _ in range(200):
            s = spread([[chance.gauss(5, 1)] for _ in range(25)], resamples=200)
            within += s["low"] <= 5 <= s["high"]
        self.assertGreater(within, 200 * 0.88)


class Turns(unittest.TestCase):
    def test_each_comes_once_in_each_turn(self):
        for i in range(12):
            self.assertEqual(sorted(in_turn(["a", "b", "c"], i)), ["a", "b", "c"])

    def test_nobody_is_always_first_or_behind_the_same(self):
        turns = [in_turn(["a", "b", "c"], i) for i in range(6)]
        self.assertEqual({t[0] for t in turns}, {"a", "b", "c"})
        self.assertEqual({t[t.index("a") - 1] for t in turns if t[0] != "a"}, {"b", "c"})


class Pairs(unittest.TestCase):
    def test_each_is_held_against_the_bare_one_of_its_own_turn(self):
        """The machine slows down by half from round to round, for both."""
        b = bench()
        values = {k: [] for k in b.kinds()}  # the peers were never asked
        for i in range(4):
            for k, ns in ((b.bare, 100), (b.shims[0], 110)):
                values[k].append([ns * 1.5 ** i] * 3)
        row = b.row("of bare", values, lambda bare, x: x / bare)
        self.assertAlmostEqual(row["kinds"]["shim"]["low"], 1.1)
        self.assertAlmostEqual(row["kinds"]["shim"]["high"], 1.1)
        self.assertAlmostEqual(row["bare"], statistics.median(100 * 1.5 ** i for i in range(4)))

    def test_peers_take_part_in_the_first_rounds_alone(self):
        b = bench(rounds=9)
        values = b.rounds(b.kinds(), lambda kind: kind.slow)
        self.assertEqual({k.name: len(v) for k, v in values.items()},
                         {"bare": 9, "shim": 9, "naive": 3, "strace": 2})

    def test_peer_that_fails_is_said_and_keeps_nobody(self):
        b = bench()

        def measure(kind):
            if kind.name == "strace":
                raise subprocess.TimeoutExpired("strace", 60)
            return 1.0
        row = b.row("ns more", b.rounds(b.kinds(), measure), lambda bare, x: x - bare)
        self.assertEqual(set(row["kinds"]), {"shim", "naive"})
        self.assertIn("timed out", row["missing_kinds"]["strace"])

    def test_shim_that_fails_is_no_figure(self):
        b = bench()
        with self.assertRaises(Missing):
            b.rounds([b.shims[0]], lambda kind: children.run(["false"]))

    def test_what_is_missing_is_named_as_debian_names_it(self):
        path, os.environ["PATH"] = os.environ["PATH"], "/nowhere"
        try:
            with self.assertRaisesRegex(Missing, "apt-get install nginx-light"):
                need("nginx")
        finally:
            os.environ["PATH"] = path


class Processes(unittest.TestCase):
    def test_cpu_time_counts_the_children_that_live(self):
        child = children.start(["sh", "-c", "i=0; while :; do i=$((i+1)); done & wait"])
        try:
            began = time.monotonic()
            while cpu_seconds(child.pid) < 0.2 and time.monotonic() < began + 60:
                time.sleep(0.01)
            self.assertGreaterEqual(cpu_seconds(child.pid), 0.2)
        finally:
            children.end(child, 1)

    def test_who_is_ended_takes_its_children_along(self):
        child = children.start(["sh", "-c", "trap '' TERM; sleep 1000 & echo $!; wait; wait"],
                               stdout=subprocess.PIPE, text=True)
        inner = int(child.stdout.readline())
        children.end_all()
        began = time.monotonic()
        while is_alive(inner) and time.monotonic() < began + 60:
            time.sleep(0.01)
        self.assertFalse(is_alive(inner))
        self.assertEqual(children.started, set())


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def with_word(word):
    """Processes of whose environment it is a part."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as f:
                if word.encode() in f.read() and is_alive(pid):
                    found.append(int(pid))
        except OSError:
            pass
    return found


@unittest.skipUnless(BUILD, "no build directory is named")
class Ended(unittest.TestCase):
    def ended_by(self, number):
        with tempfile.TemporaryDirectory() as where:
            table = os.path.join(where, "table")
            word = f"SOCKLINT_BENCH_TEST={where}"
            env = dict(os.environ, TMPDIR=where, SOCKLINT_BENCH_TEST=where)
            p = subprocess.Popen(
                [os.path.join(HERE, "run"), "--build", BUILD, "--no-peers", "--rounds", "1",
                 "--length", "0.05", "--json", table, "echo_1", "size_1e7"],
                env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                for line in p.stderr:
                    if "2 of 2" in line:
                        break
                while not any(pid != p.pid for pid in with_word(word)) and p.poll() is None:
                    time.sleep(0.01)
                p.send_signal(number)
                out, err = p.communicate(timeout=100)
            finally:
                p.kill()
                p.wait()
            self.assertEqual(p.returncode, 130, err)
            self.assertEqual(err, "bench/run: interrupted\n")
            self.assertIn("echo_1", out)
            with open(table) as f:
                self.assertEqual(list(json.load(f)["rows"]), ["echo_1"])
            self.assertEqual(os.listdir(where), ["table"])
            self.assertEqual(with_word(word), [])

    def test_interrupted(self):
        self.ended_by(signal.SIGINT)

    def test_terminated(self):
        self.ended_by(signal.SIGTERM)


if __name__ == "__main__":
    unittest.main()
