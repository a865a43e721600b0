"""The page of `./dev bench compare` from records made by hand: ratios, marks and shares worked out beside them."""
import unittest

from compare_support import FACTS, rates, record

import cells
from page import page


def row(text, *beginning):
    """The cells of the first row of the page that begins so."""
    start = "| " + " | ".join(beginning) + " |"
    return next([part.strip() for part in line.strip("|").split("|")] for line in text.splitlines() if line.startswith(start))


class Page(unittest.TestCase):
    def test_training_tells_ratio_mark_share_of_peak_and_scaling_from_the_same_rounds(self):
        cell = cells.train_cells(["mlp1200"], [1, 2], ())[0]
        gemm = cells.gemm_cells("gemm", [1], (), [])[0]
        shapes = {"×".join(map(str, shape)): [50.0] for shape in cells.GEMM_SHAPES}
        flop = cells.training_flop("mlp1200")
        rate = 50e9 / flop  # half of a peak of 100 GFLOP/s
        records = [record(cell, rates(cell, [rate], [rate / 1.5], [1.5 * rate], [rate * 1.2])),
                   record(gemm, {"tempera/1": shapes | {"peak": [100.0]}, "MKL/1": {k: [40.0] for k in shapes}})]
        text = page(records, FACTS, "./dev bench compare", {})
        one = row(text, "mlp1200", "1")
        self.assertEqual(one[4:], ["1.50×", "≥ 1.35×", "reached", "50 %"])
        self.assertEqual(row(text, "mlp1200", "2")[4:7], ["1.25×", "≥ 1.35×", "**missed**: 93 % of it"])
        self.assertEqual(row(text, "mlp1200", "1.50×")[1:], ["1.50×", "≥ 1.8×", "**missed**: 83 % of it", "1.80×"])
        self.assertEqual(row(text, "1×1200×1200", "1")[2:], ["50", "40", "–", "–", "1.25×", "50 %", "≥ 0.95×", "reached"])

    def test_a_step_is_shown_by_operation_with_what_a_second_thread_gains(self):
        cell = cells.profile_cells(["lenet"], [1, 2], ())[0]
        one = {"step": [100.0, 120.0, 110.0], "peak": [50.0], "of peak: step": [0.4], "forward conv1 conv2d": [60.0, 70.0, 66.0],
               "of peak: forward conv1 conv2d": [0.6], "update optimizer": [20.0, 20.0, 20.0], "outside graph": [0.5]}
        two = {"step": [60.0], "peak": [98.0], "of peak: step": [0.35], "forward conv1 conv2d": [33.0],
               "of peak: forward conv1 conv2d": [0.55], "update optimizer": [20.0]}
        text = page([record(cell, {"tempera/1": one, "tempera/2": two})], FACTS, "c", {})
        self.assertIn("gain 1.96× from the second thread", text)
        self.assertEqual(row(text, "forward conv1 conv2d"), ["forward conv1 conv2d", "66", "33", "2.00×", "60 %", "55 %"])
        self.assertEqual(row(text, "update optimizer")[1:], ["20", "20", "1.00×", "", ""])
        self.assertEqual(row(text, "all else")[1:4], ["24", "7", "3.43×"])
        self.assertEqual(row(text, "**step**")[1:], ["110", "60", "1.83×", "40 %", "35 %"])

    def test_the_rows_that_gain_less_than_registers_are_named_by_what_that_costs(self):
        cell = cells.profile_cells(["cnn"], [1, 2], ())[0]
        one = {"step": [200.0], "peak": [50.0], "forward a conv2d": [100.0], "update optimizer": [40.0], "backward a conv2d": [50.0],
               "data x": [10.0]}
        two = {"step": [125.0], "peak": [100.0], "forward a conv2d": [50.0], "update optimizer": [40.0], "backward a conv2d": [31.0],
               "data x": [4.0]}
        # Registers gain 2: the step would take 100, the optimizer 20 instead of 40, the gradient 25 instead of 31. The loader gains more.
        text = page([record(cell, {"tempera/1": one, "tempera/2": two})], FACTS, "c", {})
        self.assertIn("would take 100 µs instead of 125: the difference comes from what gains less, most of all update optimizer (1.00×, 20 µs) "
                      "and backward a conv2d (1.61×, 6 µs).", text)
        self.assertNotIn("forward a conv2d (", text)
        faster = page([record(cell, {"tempera/1": one, "tempera/2": two | {"step": [90.0]}})], FACTS, "c", {})
        self.assertIn("The step gains as much.", faster)

    def test_what_fake_quantization_adds_is_shown_by_operation_beside_the_float_step(self):
        (cell,) = cells.cells(["qat_profile"], ["mlp128", "lenet"], [1, 2], 1.0)
        self.assertEqual((cell.name, {side.threads for side in cell.sides}), ("mlp128", {2}))
        plain = {"step": [100.0, 104.0, 96.0], "peak": [50.0], "forward fc linear": [60.0], "of peak: forward fc linear": [0.5],
                 "update optimizer": [30.0], "outside graph": [0.5]}
        quantized = {"step": [130.0], "peak": [50.0], "forward fc linear": [55.0], "forward fake_quant": [25.0], "update optimizer": [30.0]}
        text = page([record(cell, {"tempera/2": quantized, "tempera float32/2": plain})], FACTS, "c", {})
        self.assertEqual(row(text, "forward fake_quant")[1:], ["0", "25", "+25", "+25 %"])
        self.assertEqual(row(text, "forward fc linear")[1:], ["60", "55", "−5", "−5 %"])
        self.assertEqual(row(text, "all else")[1:], ["40", "50", "+10", "+10 %"])
        self.assertEqual(row(text, "**step**")[1:], ["100", "130", "+30", "+30 %"])
        self.assertLess(text.index("| forward fake_quant |"), text.index("| forward fc linear |"))

    def test_fake_quantization_is_held_against_pytorch_and_against_our_own_step(self):
        cell = cells.cells(["qat"], ["cnn"], [2], 1.0)[0]
        text = page([record(cell, rates(cell, [500.0], [600.0], [200.0]))], FACTS, "c", {})
        self.assertEqual(row(text, "cnn", "2")[4:], ["2.50×", "≥ 2×", "reached", "1.20×", "≤ 1.15×", "**missed**: 1.04 times it"])

    def test_bf16_is_held_against_our_own_float32(self):
        cell = cells.cells(["bf16"], ["mlp1200"], [2], 1.0, has_bf16=True)[0]
        text = page([record(cell, rates(cell, [90.0], [50.0], [60.0]))], FACTS, "c", {})
        self.assertEqual(row(text, "mlp1200", "2")[4:], ["1.50×", "1.80×", "≥ 1.8×", "reached"])

    def test_inference_tells_the_time_of_a_call(self):
        cell = cells.infer_cells("int8", ["mlp128"], ())[1]
        text = page([record(cell, rates(cell, [256e4], [128e4]))], FACTS, "c", {})
        self.assertEqual(row(text, "mlp128", "256")[4:], ["2.00×", "≥ 1.1×", "reached", "100", "", ""])

    def test_passes_and_empty_loops_stand_beside_their_limits(self):
        cell = cells.limits_cells()[0]
        measured = record(cell, {"tempera/1": {"relu/8192": [2.0, 1.5, 0.75], "gelu/8192": [9.0, 1.0, 0.1],
                                               "column_sum/64/128": [1.0, 0.9, 0.9], "empty_region/2/2/real_time": [4e-6]}})
        measured["sides"]["tempera/1"]["notes"] = ["relu/8192: memory", "gelu/8192: memory", "column_sum/64/128: memory"]
        text = page([measured], FACTS, "c", {})
        self.assertEqual(row(text, "relu", "8192")[2:], ["2", "1.5", "memory", "75 %", "≥ 80 %", "**missed**: 94 % of it"])
        self.assertEqual(row(text, "gelu", "8192")[-2:], ["", ""])
        self.assertEqual(row(text, "column_sum", "64×128")[-1], "reached")
        self.assertEqual(row(text, "2", "2"), ["2", "2", "4", "≤ 3 µs", "**missed**: 1.33 times it"])

    def test_a_program_is_held_against_time_memory_and_accuracy(self):
        cell = cells.program_cells([1, 2])[0]
        values = {"tempera/2": {"seconds": [2.0], "memory": [250e6], "accuracy": [0.979]},
                  "PyTorch/2": {"seconds": [9.0], "memory": [600e6], "accuracy": [0.981]}}
        text = page([record(cell, values)], FACTS, "c", {})
        self.assertEqual(row(text, "seconds, process start to end")[1:], ["2", "9", "4.50×", "≥ 4×", "reached"])
        self.assertEqual(row(text, "peak resident MB")[-1], "**missed**")
        self.assertEqual([row(text, f"test accuracy of {who}, least")[-1] for who in ("tempera", "PyTorch")], ["**missed**", "reached"])

    def test_memory_of_mlp1200_stands_beside_the_program_and_may_be_absent(self):
        small, large = cells.program_cells([1, 2])
        values = {"tempera/2": {"seconds": [2.0], "memory": [80e6], "accuracy": [0.981]},
                  "PyTorch/2": {"seconds": [9.0], "memory": [6e8], "accuracy": [0.981]}}
        old = record(small, values)
        new = [record(large, {"tempera/2": {"seconds": [9.0], "memory": [megabytes * 1e6], "accuracy": [0.97]}}) for megabytes in (150, 201)]
        text = page([old, *new], FACTS, "c", {})
        self.assertEqual(row(text, "peak resident MB of mlp1200")[1:], ["201", "", "", "≤ 200", "**missed**"])
        self.assertEqual(row(text, "peak resident MB")[1:], ["80", "600", "", "≤ 200", "reached"])
        self.assertNotIn("mlp1200", page([old], FACTS, "c", {}))
        self.assertEqual(row(page(new[:1], FACTS, "c", {}), "peak resident MB of mlp1200")[-1], "reached")

    def test_the_program_of_mlp1200_has_both_its_hidden_layers(self):
        layers = cells.program_config("mlp1200")["model"]["layers"]
        self.assertEqual([layer["out"] for layer in layers if layer["type"] == "linear"], [1200, 1200, 10])
        self.assertEqual([layer["out"] for layer in cells.program_config("mlp128")["model"]["layers"] if layer["type"] == "linear"], [128, 10])

    def test_starting_and_loading_are_in_milliseconds(self):
        cell = cells.startup_cells("mnist", True)[0]
        values = {"version/1": {"seconds": [0.004, 0.006, 0.020]}, "gzip/1": {"seconds": [0.5]}, "cache/1": {"seconds": [0.05]}}
        text = page([record(cell, values)], FACTS, "c", {})
        self.assertEqual(row(text, "`tempera --version`, process start to end")[1:], ["6 (4–20)", "≤ 10 ms", "reached"])
        self.assertIn("| 500 | ≤ 400 ms | **missed**: 1.25 times it |", text)

    def test_disturbed_rounds_are_named(self):
        cell = cells.infer_cells("infer", ["cnn"], ())[0]
        values = rates(cell, [2.0], [1.0])
        text = page([record(cell, values), record(cell, values, load=(1.0, 4.0), others=0.3)], FACTS, "c", {})
        self.assertIn("- infer cnn, batch 1: round 2 of 2 (load up to 4.0, others up to 30 %)", text)
        self.assertIn("None was.", page([record(cell, values)], FACTS, "c", {}))

    def test_the_page_names_every_revision_and_command_and_no_path(self):
        cell = cells.train_cells(["cnn"], [1], ("--seconds", "2"))[0]
        values = rates(cell, [2.0], [1.0])
        text = page([record(cell, values, revision="abc"), record(cell, values, revision="def")], FACTS, "./dev bench compare", {})
        self.assertIn("revision abc, def;", text)
        self.assertIn("tempera bench train --workload cnn --threads 1 --seconds 2\n"
                      "bench/peers/torch_train.py --data DATA --workload cnn --threads 1 --seconds 2", text)

    def test_every_section_has_a_writer(self):
        from page import WRITERS
        self.assertEqual(set(WRITERS), set(cells.SECTIONS))


if __name__ == "__main__":
    unittest.main()
