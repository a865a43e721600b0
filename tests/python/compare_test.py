"""The Python of `./dev bench compare`, without running any of the programs it compares. Oracles: lines as the programs print them,
and medians, ratios and shares worked out by hand."""
import contextlib
import importlib.util
import io
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

from compare_support import COMPARE, FACTS, rates, record, said

import cells
import disturbance
import environment
import figures
import readings
import runs
from page import page
from records import Records, by_cell, rounds_done

spec = importlib.util.spec_from_file_location("compare_main", pathlib.Path(cells.__file__).with_name("__main__.py"))
program = importlib.util.module_from_spec(spec)
spec.loader.exec_module(program)


def until(condition, seconds=30):
    """Waits for it, and fails after so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it did not happen")
        time.sleep(0.01)


def alive(process):
    """Whether a process is there and no zombie."""
    try:
        return ") Z " not in pathlib.Path(f"/proc/{process}/stat").read_text(encoding="ascii")
    except OSError:
        return False


class Reading(unittest.TestCase):
    def test_every_window_of_a_rate_is_kept(self):
        line = {"peer": "pytorch-2", "workload": "mlp128", "samples_per_s": 30.0, "windows": [10.0, 30.0, 20.0]}
        reading = readings.read("train", "PyTorch", said(line))
        self.assertEqual(reading, {"peer": "pytorch-2", "values": {"samples_per_s": [10.0, 30.0, 20.0]}, "notes": []})

    def test_the_better_of_two_ways_of_a_library_counts_and_wrong_sums_are_told(self):
        lines = [{"peer": "onednn-2", "m": 2, "n": 3, "k": 4, "gop_per_s": 5.0, "how": "gemm", "exact": False},
                 {"peer": "onednn-2", "m": 2, "n": 3, "k": 4, "gop_per_s": 4.0, "how": "matmul", "exact": True}]
        reading = readings.read("int_gemm", "oneDNN", said(*lines))
        self.assertEqual(reading["values"], {"2×3×4": [5.0]})
        self.assertEqual(reading["notes"], ["gemm (sums of large bytes come out wrong)", "matmul"])

    def test_a_product_in_floats_brings_the_peak_along(self):
        line = {"peer": "tempera", "m": 1, "n": 2, "k": 3, "gflop_per_s": 50.0, "peak_gflop_per_s": 100.0}
        self.assertEqual(readings.read("gemm", "tempera", said(line))["values"], {"1×2×3": [50.0], "peak": [100.0]})

    def test_a_profile_has_its_operations_by_phase_and_layer(self):
        document = {"peer": "t", "us_per_step": 9.0, "peak_gflop_per_s": 50.0, "share_of_peak": 0.5, "operations": [
            {"phase": "forward", "scope": "fc", "op": "linear", "us_per_step": 6.0, "share_of_peak": 0.75},
            {"phase": "update", "scope": "", "op": "optimizer", "us_per_step": 2.0}]}
        for section in ("profile", "qat_profile"):
            values = readings.read(section, "tempera", [(json.dumps(document, indent=2), 1.0, 0)])["values"]
            self.assertEqual(values, {"step": [9.0], "peak": [50.0], "of peak: step": [0.5], "forward fc linear": [6.0],
                                      "of peak: forward fc linear": [0.75], "update optimizer": [2.0]})

    def test_limits_come_from_the_counters_of_google_benchmark_and_regions_in_seconds(self):
        document = {"benchmarks": [{"name": "relu/8192", "kernel_us": 2.0, "limit_us": 1.0, "of_limit": 0.5, "label": "memory",
                                    "real_time": 9, "time_unit": "ns"},
                                   {"name": "empty_region/2/2/real_time", "real_time": 900.0, "time_unit": "ns"}]}
        reading = readings.read("limits", "tempera", [(json.dumps(document), 1, 1)])
        self.assertEqual(reading["values"]["relu/8192"], [2.0, 1.0, 0.5])
        self.assertAlmostEqual(reading["values"]["empty_region/2/2/real_time"][0], 9e-7)
        self.assertEqual(reading["notes"], ["relu/8192: memory"])

    def test_a_program_has_its_wall_time_memory_and_accuracy_from_either_document(self):
        ours = {"results": {"float": {"test": {"accuracy": 0.98}}}}
        self.assertEqual(readings.read("program", "tempera", said(ours))["values"],
                         {"seconds": [1.5], "memory": [80e6], "accuracy": [0.98]})
        self.assertEqual(readings.read("program", "PyTorch", said({"peer": "p", "accuracy": 0.97}))["values"]["accuracy"], [0.97])

    def test_a_start_is_wall_time_and_a_load_is_what_the_program_says(self):
        self.assertEqual(readings.read("startup", "version", [("0.1", 0.004, 1), ("0.1", 0.006, 1)])["values"], {"seconds": [0.004, 0.006]})
        self.assertEqual(readings.read("startup", "gzip", [('{"seconds": 0.3}', 9, 1)])["values"], {"seconds": [0.3]})

    def test_a_command_that_prints_nothing_is_an_error(self):
        with self.assertRaises(ValueError):
            readings.read("train", "tempera", [("", 1, 1)])


class Figures(unittest.TestCase):
    def test_numbers_have_three_or_four_figures_and_thousands_apart(self):
        self.assertEqual([figures.number(x) for x in (131_072, 1_234_567, 8.517, 0.01234, 131.4)],
                         ["131 100", "1 235 000", "8.52", "0.0123", "131"])

    def test_a_ratio_is_the_median_of_the_rounds_and_not_that_of_the_medians(self):
        cell = cells.train_cells(["mlp128"], [1], ())[0]
        # The machine runs at three speeds; ours is 2, 2 and 4 times as fast. Ratio of the medians: 400/100 = 4.
        records = [record(cell, rates(cell, a, b)) for a, b in (([200], [100]), ([400], [200]), ([400, 410, 390], [90, 100, 110]))]
        found = figures.ratios(records, "tempera/1", ["PyTorch/1"], "samples_per_s")
        self.assertEqual(found, [2, 2, 4])
        self.assertEqual(figures.times(found), "2.00× (2.00–4.00)")

    def test_of_several_peers_the_better_one_of_the_round_counts(self):
        sides = {"tempera/1": 90, "MKL/1": 100, "oneDNN/1": 50}
        first = {"sides": {label: {"values": {"s": [value]}} for label, value in sides.items()}}
        second = {"sides": {label: {"values": {"s": [value]}} for label, value in (sides | {"oneDNN/1": 180}).items()}}
        self.assertEqual(figures.ratios([first, second], "tempera/1", ["MKL/1", "oneDNN/1"], "s"), [0.9, 0.5])
        self.assertEqual(figures.ratios([first], "tempera/1", ["absent/1"], "s"), [])

    def test_marks_are_reached_at_their_value_and_missed_below(self):
        self.assertEqual(figures.at_least([3.0], 3), ("≥ 3×", "reached"))
        self.assertEqual(figures.at_least([1, 1.5, 9], 3), ("≥ 3×", "**missed**: 50 % of it"))
        self.assertEqual(figures.at_most([0.02], 0.01, "10 ms"), ("≤ 10 ms", "**missed**: 2.00 times it"))
        self.assertEqual(figures.at_most([0.01], 0.01, "10 ms")[1], "reached")
        self.assertEqual(figures.at_least([1], None), ("", ""))


class Cells(unittest.TestCase):
    def test_two_threads_are_taken_for_fake_quantization_where_two_are_asked_for(self):
        for threads, expected in (([1, 2, 4], 2), ([1], 1), ([4], 4)):
            made = cells.cells(["qat"], cells.WORKLOADS, threads, 1.0)
            self.assertEqual({side.threads for cell in made for side in cell.sides}, {expected})
            self.assertEqual([cell.name for cell in made], ["mlp128", "mlp1200", "cnn"])

    def test_bf16_is_only_measured_where_the_processor_has_it(self):
        self.assertEqual(cells.cells(["bf16"], cells.WORKLOADS, [2], 1.0), [])
        made = cells.cells(["bf16"], cells.WORKLOADS, [2], 1.0, has_bf16=True)
        self.assertEqual([cell.name for cell in made], ["mlp1200"])

    def test_products_are_compared_with_the_libraries_that_are_here(self):
        names = [side.name for side in cells.cells(["gemm"], (), [1], 1.0, libraries=["onednn", "openblas"])[0].sides]
        self.assertEqual(names, ["tempera", "MKL", "oneDNN", "OpenBLAS"])
        self.assertEqual([s.name for s in cells.cells(["gemm"], (), [1], 1.0)[0].sides], ["tempera", "MKL"])
        self.assertEqual([s.name for s in cells.cells(["int_gemm"], (), [1], 1.0, libraries=["onednn", "openblas"])[0].sides],
                         ["tempera", "oneDNN"])

    def test_a_step_of_mlp128_is_half_a_megaflop_an_image(self):
        # forward 2·101632, weight gradients the same, input gradients of the second layer alone 2·1280
        self.assertEqual(cells.training_flop("mlp128"), 4 * 101_632 + 2 * 1_280)


class WithRecords(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.records = Records(pathlib.Path(folder.name) / "compare" / "machine.jsonl")


class Keeping(WithRecords):
    def setUp(self):
        super().setUp()
        self.cell = cells.train_cells(["mlp128"], [1], ("--seconds", "1"))[0]

    def test_a_line_that_was_cut_off_is_no_record(self):
        self.records.add(record(self.cell, rates(self.cell, [1], [1])))
        with open(self.records.path, "a", encoding="utf-8") as file:
            file.write('{"section": "train", "na')
        self.assertEqual(len(self.records.all()), 1)

    def test_a_record_behind_a_line_that_was_cut_off_is_not_lost(self):
        self.records.path.parent.mkdir()
        self.records.path.write_text('{"section": "train", "na', encoding="utf-8")
        self.records.add(record(self.cell, rates(self.cell, [1], [1])))
        self.assertEqual(len(self.records.all()), 1)

    def test_rounds_with_other_commands_do_not_count_and_do_not_show(self):
        longer = cells.train_cells(["mlp128"], [1], ("--seconds", "9"))[0]
        self.records.add(record(self.cell, rates(self.cell, [1], [1])))
        self.records.add(record(longer, rates(longer, [2], [1])))
        self.assertEqual((rounds_done(self.records.all(), self.cell), rounds_done(self.records.all(), longer)), (1, 1))
        shown = by_cell(self.records.all())[self.cell.key]
        self.assertEqual([r["sides"]["tempera/1"]["values"]["samples_per_s"] for r in shown], [[2]])

    def test_beginning_anew_keeps_what_was_there_under_another_name(self):
        self.records.add(record(self.cell, rates(self.cell, [1], [1])))
        self.records.begin()
        self.assertEqual(self.records.all(), [])
        self.assertEqual(len(list(self.records.path.parent.glob("machine-*.jsonl"))), 1)


class StandIn:
    """In the place of runs.Runner: notes who was called, and does as told."""

    def __init__(self, stop_at=None, fail=()):
        self.calls, self.stop_at, self.fail = [], stop_at, fail

    def run(self, cell, side):
        if len(self.calls) == self.stop_at:
            raise KeyboardInterrupt
        self.calls.append((cell.name, side.name))
        if cell.name in self.fail:
            raise runs.Failed("a command\nended with status 1:\nno such thing")
        return {"peer": side.name, "command": list(side.command), "values": {"samples_per_s": [1.0]}, "notes": []}


class Rounds(WithRecords):
    def setUp(self):
        super().setUp()
        self.chosen = cells.train_cells(["mlp128", "cnn"], [1], ("--seconds", "1"))

    def measure(self, rounds, runner):
        with contextlib.redirect_stderr(io.StringIO()):
            return runs.compare(self.chosen, rounds, runner, self.records, "abc")

    def test_the_sides_change_their_order_from_round_to_round(self):
        runner = StandIn()
        self.measure(2, runner)
        first, second = ["tempera", "PyTorch"], ["PyTorch", "tempera"]
        self.assertEqual([name for _, name in runner.calls], first + first + second + second)
        for r in self.records.all():
            self.assertEqual(list(r["sides"]), ["tempera/1", "PyTorch/1"])

    def test_an_interrupted_comparison_goes_on_where_it_was(self):
        with self.assertRaises(KeyboardInterrupt):
            self.measure(2, StandIn(stop_at=5))
        self.assertEqual([(r["name"]) for r in self.records.all()], ["mlp128", "cnn"])
        again = StandIn()
        self.measure(2, again)
        self.assertEqual(again.calls, [(w, s) for w in ("mlp128", "cnn") for s in ("PyTorch", "tempera")])
        self.assertEqual([rounds_done(self.records.all(), cell) for cell in self.chosen], [2, 2])

    def test_a_command_that_fails_takes_only_its_own_cell_with_it(self):
        failures = self.measure(1, StandIn(fail=["mlp128"]))
        self.assertEqual(list(failures), [("train", "mlp128")])
        self.assertEqual([r["name"] for r in self.records.all()], ["cnn"])
        text = page(self.records.all(), FACTS, "./dev bench compare", failures)
        self.assertIn("- train mlp128: no such thing", text)


class Commands(unittest.TestCase):
    def test_a_failed_command_is_an_error_with_its_words_and_its_last_lines(self):
        with self.assertRaisesRegex(runs.Failed, r"status 3:\nwhat went wrong"):
            runs.measured([sys.executable, "-c", "import sys; sys.stderr.write('what went wrong'); sys.exit(3)"], {})

    def test_output_time_and_memory_of_a_command_are_taken(self):
        text, seconds, memory = runs.measured([sys.executable, "-c", "import time; time.sleep(.05); print('hello')"], {})
        self.assertEqual(text, "hello\n")
        self.assertTrue(0.05 <= seconds < 30)
        self.assertTrue(1e6 < memory < 1e9)

    def test_an_interrupt_takes_the_running_command_with_it(self):
        with tempfile.TemporaryDirectory() as folder:
            note = pathlib.Path(folder) / "note"
            code = f"import os, pathlib, time; pathlib.Path({str(note)!r}).write_text(str(os.getpid())); time.sleep(60)"
            caller = (f"import sys; sys.path.insert(0, {str(COMPARE)!r}); import runs, signal; "
                      f"signal.signal(signal.SIGINT, signal.default_int_handler); runs.measured([sys.executable, '-c', {code!r}], {{}})")
            with subprocess.Popen([sys.executable, "-c", caller], stderr=subprocess.DEVNULL) as process:
                until(lambda: note.exists() and note.read_text())
                process.send_signal(signal.SIGINT)
                self.assertNotEqual(process.wait(timeout=30), 0)
            child = int(note.read_text())
            until(lambda: not alive(child))

    def test_openblas_chooses_by_itself_whatever_this_workplace_sets(self):
        side = cells.Side("OpenBLAS", 2, ("bench_peers", "openblas"))
        with mock.patch.dict("os.environ", {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_L2_SIZE": "1"}):
            variables = runs.Runner("python", "data").environment(side)
        self.assertEqual([name for name in variables if name in runs.OPENBLAS], [])
        self.assertEqual((variables["OMP_NUM_THREADS"], variables["OPENBLAS_NUM_THREADS"]), ("2", "2"))

    def test_openblas_is_run_with_those_settings_where_it_fails_without(self):
        side = cells.Side("OpenBLAS", 1, ("bench_peers", "openblas"))
        code = "import os; print(os.environ['OPENBLAS_CORETYPE'])"
        with mock.patch.dict("os.environ", {"OPENBLAS_CORETYPE": "Zen"}), contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(runs.Runner("python", "data").careful(side, [sys.executable, "-c", code])[0], "Zen\n")

    def test_places_are_put_in_and_what_was_typed_is_told_without_paths(self):
        runner = runs.Runner("python", "/somewhere")
        side = cells.Side("PyTorch", 1, ("torch_train.py", "--data", "{data}"))
        self.assertEqual(runner.words(side)[2:], ["--data", "/somewhere"])
        self.assertEqual(program.typed_command(["--rounds", "3", "--python", "/x", "--out=/y", "--resume"]),
                         "./dev bench compare --rounds 3 --resume")

    def test_each_program_is_run_with_the_config_of_its_network(self):
        widths = []

        def run(words, _):
            config = json.loads(pathlib.Path(words[2]).read_text(encoding="utf-8"))
            widths.append([layer["out"] for layer in config["model"]["layers"] if layer["type"] == "linear"])
            return json.dumps({"results": {"float": {"test": {"accuracy": 0.5}}}}), 1.0, 8
        with mock.patch.object(runs, "measured", run):
            for cell in cells.program_cells([1]):
                runs.Runner("python", "data").run(cell, cell.sides[0])
        self.assertEqual(widths, [[128, 10], [1200, 1200, 10]])

    def test_wrong_options_are_refused(self):
        for words in (["--sections", "trian"], ["--rounds", "0"], ["--threads", "0"], ["--seconds", "-1"], ["--workloads", "vgg"]):
            with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
                program.arguments(words)


class Disturbance(unittest.TestCase):
    def test_busy_time_counts_all_but_idling_and_waiting(self):
        ticks = disturbance.os.sysconf("SC_CLK_TCK")
        self.assertEqual(disturbance.busy_seconds("cpu  1 2 4 8 16 32 64 128 0 0\ncpu0 9\n") * ticks, 1 + 2 + 4 + 32 + 64 + 128)

    def test_load_and_others_each_disturb(self):
        calm = {"load": [1.0, 2.4], "others": 0.01}
        self.assertFalse(disturbance.disturbed(calm, 2))
        self.assertTrue(disturbance.disturbed(calm | {"load": [3.0, 1.0]}, 2))
        self.assertTrue(disturbance.disturbed(calm | {"others": 0.2}, 2))


class Machine(unittest.TestCase):
    def test_a_processor_without_bf16_instructions_is_known_by_its_flags(self):
        for flags, expected in (("fpu avx2", False), ("fpu avx512_bf16", True), ("amx_bf16 amx_tile", True), ("avx512_bf16x", False)):
            with mock.patch.object(pathlib.Path, "read_text", return_value=f"model name\t: x\nflags\t\t: {flags}\n"):
                self.assertEqual(environment.has_bf16(), expected)

    def test_a_page_is_written_whole_or_not_at_all(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "page.md"
            path.write_text("old", encoding="utf-8")
            with self.assertRaises(UnicodeEncodeError):
                program.write(path, "new \ud800")
            self.assertEqual(path.read_text(encoding="utf-8"), "old")


if __name__ == "__main__":
    unittest.main()
