"""What is compared: every cell is a pair of commands that do the same work, and the ratio that is asked for."""
from dataclasses import dataclass

WORKLOADS = ("mlp128", "mlp1200", "lenet", "cnn")
SECTIONS = ("train", "infer", "gemm", "program")

# Training throughput over PyTorch's, with one thread and with two.
TRAIN_MARKS = {"mlp128": 3.0, "mlp1200": 1.35, "lenet": 2.5, "cnn": 1.6}
# Throughput with two threads over that with one.
SCALING_MARKS = {"mlp1200": 1.8, "lenet": 1.8, "cnn": 1.8}
# Inference over ONNX Runtime's on one thread, in float32, by batch.
INFER_MARKS = {("mlp128", 1): 2.0, ("mlp128", 256): 1.05, ("lenet", 1): 1.5, ("lenet", 256): 1.5, ("cnn", 1): 1.2,
               ("cnn", 256): 1.0}
GEMM_MARK = 0.95
PROGRAM_MARK = 4.0       # wall time of PyTorch's program over ours
PROGRAM_ACCURACY = 0.98  # that both must reach
PROGRAM_MEMORY = 200e6   # bytes that ours may have resident
PROGRAM_EPOCHS, PROGRAM_RATE = 6, 0.05

GEMM_SHAPES = ((64, 128, 784), (784, 128, 64), (100, 1200, 784), (100, 1200, 1200), (1200, 1200, 100), (256, 512, 512),
               (1024, 1024, 1024), (4608, 32, 288), (1, 1200, 1200))


@dataclass(frozen=True)
class Cell:
    section: str
    name: str          # "mlp128", "mlp128 batch 1", "all shapes", …
    threads: int
    ours: tuple        # arguments of tempera
    peer: tuple        # script in bench/peers/ and its arguments
    mark: float | None = None


def cells(sections, workloads, threads, seconds, data):
    """All cells of a run; `data` is the folder of the IDX files, `seconds` the timed part of each measurement."""
    timed = ("--seconds", str(seconds))
    made = []
    if "train" in sections:
        for workload in workloads:
            for count in threads:
                common = ("--workload", workload, "--threads", str(count), *timed)
                made.append(Cell("train", workload, count, ("bench", "train", *common),
                                 ("torch_train.py", "--data", data, *common), TRAIN_MARKS[workload]))
    if "infer" in sections:
        for workload in workloads:
            for batch in (1, 256):
                common = ("--workload", workload, "--threads", "1", "--batch", str(batch), *timed)
                made.append(Cell("infer", f"{workload}, batch {batch}", 1, ("bench", "infer", *common),
                                 ("onnx_infer.py", "--data", data, "--formats", "fp32", *common),
                                 INFER_MARKS.get((workload, batch))))
    if "gemm" in sections:
        for count in threads:
            common = ("--threads", str(count), *timed)
            shapes = [",".join(map(str, shape)) for shape in GEMM_SHAPES]
            made.append(Cell("gemm", "all shapes", count, ("bench", "kernels", *common),
                             ("torch_gemm.py", *common, "--shapes", *shapes), GEMM_MARK))
    if "program" in sections:
        count = max(threads)
        made.append(Cell("program", "mlp128", count, ("run", "{config}", "--out", "{out}", "--json", "--threads", str(count)),
                         ("torch_program.py", "--data", data, "--epochs", str(PROGRAM_EPOCHS), "--rate",
                          str(PROGRAM_RATE), "--threads", str(count)), PROGRAM_MARK))
    return made


def program_config(epochs=PROGRAM_EPOCHS, rate=PROGRAM_RATE):
    """The experiment that torch_program.py is, as a config."""
    return {"name": "mnist-program", "data": {"name": "mnist", "validation": 0, "normalize": "mean_std"},
            "model": {"layers": [{"type": "flatten"}, {"type": "linear", "out": 128}, {"type": "relu"},
                                 {"type": "linear", "out": 10}]},
            "optimizer": {"type": "sgd", "learning_rate": rate, "momentum": 0.9}, "schedule": {"type": "cosine"},
            "train": {"epochs": epochs, "batch": 64}}
