"""The limits on the page of `./dev bench compare`: rooflines and exact products, worked out by hand beside each test."""
import unittest

from compare_support import FACTS, rates, record

import cells
import roofline
from compare_page_test import row
from page import page

# Arrays of 32 KB at 80 GB/s, of 400 kB at 50 GB/s and of 4 MB at 40 GB/s; passes that write as well tell no rate of reading.
LOOPS = {"sum/8000": [1.0, 0.4, 0.4], "min_max/100000": [9.0, 8.0, 0.9], "sum/1000000": [200.0, 100.0, 0.5], "relu/1000000": [9.0, 1.0, 0.1]}


def limits(**more):
    (cell,) = cells.limits_cells()
    measured = record(cell, {"tempera/1": LOOPS | more})
    measured["sides"]["tempera/1"]["notes"] = [f"{kind}: memory" for kind in LOOPS]
    return measured


def products(threads, rate, peak):
    (cell,) = cells.gemm_cells("gemm", [threads], (), [])
    shapes = {"×".join(map(str, shape)): [rate] for shape in cells.GEMM_SHAPES}
    return record(cell, {f"tempera/{threads}": shapes | {"peak": [peak]}, f"MKL/{threads}": shapes})


def grouped(*records):
    found = {}
    for r in records:
        found.setdefault(r["section"], {}).setdefault(r["name"], []).append(r)
    return found


class Bounds(unittest.TestCase):
    def test_the_rate_of_memory_is_that_of_the_array_nearest_in_size(self):
        found = roofline.readings(grouped(limits()))
        self.assertEqual([(reading.name, reading.size) for reading in found],
                         [("sum of 8000", 32_000), ("min_max of 100000", 400_000), ("sum of 1000000", 4_000_000)])
        for size, rate in ((1, 80e9), (100_000, 80e9), (120_000, 50e9), (1_200_000, 50e9), (1_300_000, 40e9), (10 ** 9, 40e9)):
            self.assertAlmostEqual(roofline.nearest(found, size).rate / rate, 1)

    def test_of_passes_over_arrays_of_one_size_the_faster_loop_counts(self):
        found = roofline.readings(grouped(limits(**{"sum_squares/8000": [1.0, 0.2, 0.2], "column_sum/80/100": [1.0, 0.8, 0.8]})))
        self.assertAlmostEqual(roofline.nearest(found, 32_000).rate / 160e9, 1)

    def test_a_product_that_is_read_once_is_bound_by_memory_and_a_cube_by_arithmetic(self):
        found = roofline.readings(grouped(limits()))
        # 2·1000·1000 operations on 4·(1000 + 1000000 + 1000) bytes at 40 GB/s, or at 100 GFLOP/s
        thin = roofline.roof([roofline.matrix_product(1, 1000, 1000)], 100, found, 1)
        self.assertEqual((thin.by, round(thin.seconds * 1e9)), ("memory", 100_200))
        cube = roofline.roof([roofline.matrix_product(1000, 1000, 1000)], 100, found, 1)
        self.assertEqual((cube.by, round(cube.seconds * 1e9)), ("arithmetic", 20_000_000))

    def test_threads_each_read_at_the_rate_of_one(self):
        found = roofline.readings(grouped(limits()))
        two = roofline.roof([roofline.matrix_product(1, 1000, 1000)], 200, found, 2)
        self.assertEqual(round(two.seconds * 1e9), 50_100)

    def test_products_one_after_the_other_add_up_each_under_its_own_roof(self):
        found = roofline.readings(grouped(limits()))
        both = roofline.roof([roofline.matrix_product(1, 1000, 1000), roofline.matrix_product(1000, 1000, 1000)], 100, found, 1)
        self.assertEqual((both.by, round(both.seconds * 1e9)), ("arithmetic", 20_100_200))

    def test_layers_have_the_values_of_their_definition(self):
        lenet = cells.LAYERS["lenet"][1]  # 12×12×20 → 8×8×50 by windows of 5×5×20
        self.assertEqual((lenet.multiply_adds, lenet.inputs, lenet.outputs, lenet.weights), (8 * 8 * 50 * 500, 2880, 3200, 25_000))
        self.assertEqual(cells.inference_flop("cnn"), 2 * (26 * 26 * 32 * 9 + 24 * 24 * 64 * 32 * 9 + 9216 * 128 + 128 * 10))


class Page(unittest.TestCase):
    def test_every_product_stands_beside_its_roofline_and_says_what_binds(self):
        text = page([products(1, 14.4, 100.0), limits()], FACTS, "c", {})
        # 2·1200² operations on 4·(1200² + 2·1200) bytes are 0.4992 a byte: 19.97 GFLOP/s at 40 GB/s; 14.4 are 72 % of it.
        roofs = text[text.index("## Roofline of the products"):]
        self.assertEqual(row(roofs, "1×1200×1200", "1")[2:],
                         ["5 770", "0.499", "40 (sum of 1000000)", "20", "100", "20", "memory", "72 %"])
        self.assertEqual(row(roofs, "1024×1024×1024", "1")[6:], ["100", "100", "arithmetic", "14 %"])

    def test_without_limits_the_page_is_the_old_one(self):
        text = page([products(2, 50.0, 200.0)], FACTS, "c", {})
        self.assertNotIn("Roofline", text)
        self.assertEqual(row(text, "1×1200×1200", "2")[-3:], ["25 %", "≥ 0.95×", "reached"])

    def test_inference_in_floats_stands_beside_the_sum_of_its_layers_roofs(self):
        small = cells.infer_cells("infer", ["mlp128"], ())[0]
        # 784·128 weights, 784 inputs and 128 outputs: 405 056 bytes at 50 GB/s, 8.101 µs; 1280 + 138 values at 80 GB/s, 0.071 µs.
        rate = 1 / (2 * 8.172e-6)
        text = page([record(small, rates(small, [rate], [rate / 2])), products(1, 50.0, 100.0), limits()], FACTS, "c", {})
        self.assertEqual(row(text, "mlp128", "1")[-2:], ["50 %", "memory"])
        text = page([record(small, rates(small, [rate], [rate / 2])), products(1, 50.0, 100.0)], FACTS, "c", {})
        self.assertEqual(row(text, "mlp128", "1")[-4:], ["12 %", "6 %", "", ""])

    def test_a_roofline_of_a_batch_is_shared_by_its_images(self):
        batch = cells.infer_cells("infer", ["mlp128"], ())[1]
        # 2·256·101632 operations at 100 GFLOP/s are 520.4 µs; neither layer's values take as long.
        rate = 256 / (2 * 520.4e-6)
        text = page([record(batch, rates(batch, [rate], [rate])), products(1, 50.0, 100.0), limits()], FACTS, "c", {})
        self.assertEqual(row(text, "mlp128", "256")[-2:], ["50 %", "arithmetic"])

    def test_products_of_bytes_stand_beside_exact_ones_in_registers_with_as_many_threads(self):
        made = cells.gemm_cells("int_gemm", [1, 2], (), [])
        shapes = {"×".join(map(str, shape)): [90.0] for shape in cells.GEMM_SHAPES}
        measured = [record(cell, {cell.sides[0].label: shapes}) for cell in made]
        text = page([*measured, limits(**{"int_bound/pairs": [100e9], "int_bound/saturating_bytes": [130e9]})], FACTS, "c", {})
        self.assertEqual([row(text, "256×512×512", threads)[5] for threads in ("1", "2")], ["90 %", "45 %"])
        self.assertEqual(row(page(measured, FACTS, "c", {}), "256×512×512", "1")[5], "")

    def test_of_inference_on_integers_only_linear_networks_stand_beside_exact_products(self):
        made = [cells.infer_cells("int8", [network], ())[0] for network in ("mlp128", "lenet")]
        rate = 100e9 / cells.inference_flop("mlp128") / 2
        measured = [record(cell, rates(cell, [rate], [rate / 5])) for cell in made]
        text = page([*measured, limits(**{"int_bound/pairs": [100e9]})], FACTS, "c", {})
        self.assertEqual(row(text, "mlp128", "1")[-2:], ["50 %", "10 %"])
        self.assertEqual(row(text, "lenet", "1")[-2:], ["", ""])


if __name__ == "__main__":
    unittest.main()
