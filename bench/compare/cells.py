"""What is compared: a cell is a group of commands that are run side by side in every round, and what is asked of them."""
from dataclasses import dataclass

WORKLOADS = ("mlp128", "mlp1200", "lenet", "cnn")
SECTIONS = ("train", "profile", "qat", "qat_profile", "bf16", "infer", "int8", "dynamic", "gemm", "int_gemm", "limits", "program",
            "startup")

# Training throughput over PyTorch's, with one thread and with two.
TRAIN_MARKS = {"mlp128": 3.0, "mlp1200": 1.35, "lenet": 2.5, "cnn": 1.6}
# Throughput with two threads over that with one.
SCALING_MARKS = {"mlp1200": 1.8, "lenet": 1.8, "cnn": 1.8}
# Training with 8-bit fake quantization over PyTorch's, with two threads, and its time over that of our own float step.
QAT_MARKS = {"mlp128": 6.0, "mlp1200": 3.5, "cnn": 2.0}
QAT_TIME = 1.15
# Training in bf16 over our own float32.
BF16_MARKS = {"mlp1200": 1.8}
# Inference over ONNX Runtime's on one thread in the same format, by batch.
INFER_MARKS = {"infer": {("mlp128", 1): 2.0, ("mlp128", 256): 1.05, ("lenet", 1): 1.5, ("lenet", 256): 1.5, ("cnn", 1): 1.2,
                         ("cnn", 256): 1.0},
               "int8": {("mlp128", 1): 4.0, ("mlp128", 256): 1.1, ("mlp1200", 1): 1.3, ("mlp1200", 256): 1.0, ("lenet", 1): 1.5,
                        ("lenet", 256): 2.0, ("cnn", 1): 1.2, ("cnn", 256): 2.0},
               "dynamic": {}}
NUMERICS = {"infer": ("float", "fp32"), "int8": ("int8", "int8"), "dynamic": ("dynamic_int8", "dynamic_int8")}
BATCHES = (1, 256)
GEMM_MARK = 0.95      # of the better of MKL and oneDNN, in float32
INT_GEMM_MARK = 0.9   # of oneDNN, in bytes
LIMIT_MARK = 0.8      # of what memory or arithmetic allow
REGION_MARK = 3e-6    # seconds of an empty parallel loop
PROGRAM_MARK = 4.0       # wall time of PyTorch's program over ours
PROGRAM_ACCURACY = 0.98  # that both must reach
PROGRAM_MEMORY = 200e6   # bytes that ours may have resident
PROGRAM_EPOCHS, PROGRAM_RATE = 6, 0.05
# Seconds at most.
STARTUP_MARKS = {"version": 0.010, "gzip": 0.4, "cache": 0.1}

GEMM_SHAPES = ((64, 128, 784), (784, 128, 64), (100, 1200, 784), (100, 1200, 1200), (1200, 1200, 100), (256, 512, 512),
               (1024, 1024, 1024), (4608, 32, 288), (1, 1200, 1200))
# Simple passes over arrays, for which LIMIT_MARK holds; the rest of bench_rows.cpp is shown beside its limit without a mark.
PLAIN_PASSES = ("relu", "exp", "add", "mul", "relu_grad", "sum", "sum_squares", "axpy", "min_max", "fake_quant", "fake_quant_covered", "fake_quant_bytes", "fake_quant_grad",
                "sgd", "adam", "normalize_u8", "column_sum")


@dataclass(frozen=True)
class Layer:
    """What a layer of a network has to do: multiply-adds, inputs and outputs for one image, and its weights."""
    multiply_adds: int
    inputs: int
    outputs: int
    weights: int


def linear(inputs, outputs):
    return Layer(inputs * outputs, inputs, outputs, inputs * outputs)


def conv(channels, side, filters, kernel):
    """Stride 1, no padding, a square image."""
    outputs, window = filters * (side - kernel + 1) ** 2, channels * kernel ** 2
    return Layer(outputs * window, channels * side ** 2, outputs, filters * window)


LAYERS = {"mlp128": (linear(784, 128), linear(128, 10)), "mlp1200": (linear(784, 1200), linear(1200, 1200), linear(1200, 10)),
          "lenet": (conv(1, 28, 20, 5), conv(20, 12, 50, 5), linear(800, 500), linear(500, 10)),
          "cnn": (conv(1, 28, 32, 3), conv(32, 26, 64, 3), linear(9216, 128), linear(128, 10))}
LINEAR_NETWORKS = ("mlp128", "mlp1200")


def training_flop(workload):
    """Float operations of a training step for one image: forward, and the gradients of weights and, but for the first layer, inputs."""
    layers = [layer.multiply_adds for layer in LAYERS[workload]]
    return 2 * (3 * sum(layers) - layers[0])


def inference_flop(workload):
    return 2 * sum(layer.multiply_adds for layer in LAYERS[workload])


@dataclass(frozen=True)
class Side:
    """One command of a cell. The first word is `tempera`, `bench_kernels`, `bench_peers` or a script of bench/peers/."""
    name: str
    threads: int
    command: tuple

    @property
    def label(self):
        return f"{self.name}/{self.threads}"


@dataclass(frozen=True)
class Cell:
    section: str
    name: str
    sides: tuple

    @property
    def key(self):
        return self.section, self.name

    @property
    def commands(self):
        return {side.label: list(side.command) for side in self.sides}


def two_or_most(threads):
    return 2 if 2 in threads else max(threads)


def train_cells(workloads, threads, timed):
    def sides(workload):
        for count in threads:
            common = ("--workload", workload, "--threads", str(count), *timed)
            yield Side("tempera", count, ("tempera", "bench", "train", *common))
            yield Side("PyTorch", count, ("torch_train.py", "--data", "{data}", *common))
    return [Cell("train", workload, tuple(sides(workload))) for workload in workloads]


def profile_cells(workloads, threads, timed):
    """Where our own steps spend their time; nobody is beside them."""
    return [Cell("profile", workload, tuple(
        Side("tempera", count, ("tempera", "bench", "train", "--workload", workload, "--threads", str(count), *timed, "--profile", "--json"))
        for count in threads)) for workload in workloads]


def other_train_cells(section, numerics, workloads, threads, timed):
    """Training in other numerics, beside our own float32 and PyTorch's in the same numerics."""
    count = two_or_most(threads)

    def sides(workload):
        common = ("--workload", workload, "--threads", str(count), *timed)
        return (Side("tempera", count, ("tempera", "bench", "train", *common, "--numerics", numerics)),
                Side("tempera float32", count, ("tempera", "bench", "train", *common)),
                Side("PyTorch", count, ("torch_train.py", "--data", "{data}", *common, "--numerics", numerics)))
    return [Cell(section, workload, sides(workload)) for workload in workloads]


def qat_profile_cells(workloads, threads, timed):
    """The operations of a step with fake quantization beside those of the float32 step."""
    count = two_or_most(threads)

    def sides(workload):
        common = ("tempera", "bench", "train", "--workload", workload, "--threads", str(count), *timed, "--profile", "--json")
        return Side("tempera", count, (*common, "--numerics", "qat")), Side("tempera float32", count, common)
    return [Cell("qat_profile", workload, sides(workload)) for workload in workloads]


def infer_cells(section, workloads, timed):
    ours, theirs = NUMERICS[section]
    made = []
    for workload in workloads:
        for batch in BATCHES:
            common = ("--workload", workload, "--threads", "1", "--batch", str(batch), *timed)
            made.append(Cell(section, f"{workload}, batch {batch}", (
                Side("tempera", 1, ("tempera", "bench", "infer", *common, "--numerics", ours)),
                Side("ONNX Runtime", 1, ("onnx_infer.py", "--data", "{data}", *common, "--formats", theirs)))))
    return made


def gemm_cells(section, threads, timed, libraries):
    numerics = "float" if section == "gemm" else "int8"
    shapes = tuple(",".join(map(str, shape)) for shape in GEMM_SHAPES)

    def sides(count):
        common = ("--threads", str(count), *timed)
        yield Side("tempera", count, ("tempera", "bench", "kernels", *common, "--numerics", numerics))
        if section == "gemm":
            yield Side("MKL", count, ("torch_gemm.py", *common, "--shapes", *shapes))
        if "onednn" in libraries:
            yield Side("oneDNN", count, ("bench_peers", "onednn", *common, "--numerics", numerics, *shapes))
        if "openblas" in libraries and section == "gemm":
            yield Side("OpenBLAS", count, ("bench_peers", "openblas", *common, *shapes))
    return [Cell(section, f"{count} thread(s)", tuple(sides(count))) for count in threads]


def program_cells(threads):
    """mlp128 beside PyTorch; mlp1200 alone for a single epoch, which tells what it keeps in memory."""
    count = max(threads)
    ours = Side("tempera", count, ("tempera", "run", "{config}", "--out", "{out}", "--json", "--threads", str(count)))
    return [Cell("program", "mlp128", (
        ours,
        Side("PyTorch", count, ("torch_program.py", "--data", "{data}", "--epochs", str(PROGRAM_EPOCHS), "--rate", str(PROGRAM_RATE),
                                "--threads", str(count))))),
            Cell("program", "mlp1200", (ours,))]


def startup_cells(dataset, gzipped):
    check = ("tempera", "data", "check", dataset, "--dir", "{data}", "--json")
    loads = (Side("gzip", 1, check), Side("cache", 1, check)) if gzipped else ()
    return [Cell("startup", "start and load", (Side("version", 1, ("tempera", "--version")), *loads))]


def limits_cells():
    return [Cell("limits", "rows and regions", (
        Side("tempera", 1, ("bench_kernels", "--benchmark_filter=-^(gemm|int_tile|conv_|pool_)", "--benchmark_format=json", "--benchmark_min_time=0.02")),))]


def cells(sections, workloads, threads, seconds, *, libraries=(), has_bf16=False, dataset="mnist", gzipped=True):
    """All cells of a run. `seconds` is the timed part of each measurement, `libraries` are those that bench_peers has."""
    timed = ("--seconds", f"{seconds:g}")
    makers = {"train": lambda: train_cells(workloads, threads, timed), "profile": lambda: profile_cells(workloads, threads, timed),
              "qat": lambda: other_train_cells("qat", "qat", [w for w in workloads if w in QAT_MARKS], threads, timed),
              "qat_profile": lambda: qat_profile_cells([w for w in workloads if w in QAT_MARKS], threads, timed),
              "bf16": lambda: other_train_cells("bf16", "bf16", [w for w in workloads if w in BF16_MARKS], threads, timed)
              if has_bf16 else [],
              "gemm": lambda: gemm_cells("gemm", threads, timed, libraries),
              "int_gemm": lambda: gemm_cells("int_gemm", threads, timed, libraries),
              "limits": limits_cells, "program": lambda: program_cells(threads), "startup": lambda: startup_cells(dataset, gzipped)}
    for section in NUMERICS:
        makers[section] = lambda section=section: infer_cells(section, workloads, timed)
    return [cell for section in SECTIONS if section in sections for cell in makers[section]()]


# Hidden layers, batch and epochs of the programs. mlp128's is the experiment that torch_program.py is.
PROGRAM_NETWORKS = {"mlp128": ((128,), 64, PROGRAM_EPOCHS), "mlp1200": ((1200, 1200), 100, 1)}


def program_config(workload):
    """The config of a network's program."""
    hidden, batch, epochs = PROGRAM_NETWORKS[workload]
    layers = [layer for width in hidden for layer in ({"type": "linear", "out": width}, {"type": "relu"})]
    return {"name": "mnist-program", "data": {"name": "mnist", "validation": 0, "normalize": "mean_std"},
            "model": {"layers": [{"type": "flatten"}, *layers, {"type": "linear", "out": 10}]},
            "optimizer": {"type": "sgd", "learning_rate": PROGRAM_RATE, "momentum": 0.9}, "schedule": {"type": "cosine"},
            "train": {"epochs": epochs, "batch": batch}}
