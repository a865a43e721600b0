"""What the peers' scripts share: MNIST from IDX files, windows of measurement, lines of results."""
import gzip
import json
import os
import time

BATCH = {"mlp128": 64, "mlp1200": 100, "lenet": 64, "cnn": 64}
WINDOWS = 3
WARM_UP = 20


def idx(folder, name, header):
    """The bytes after the header of an IDX file, gzipped or not."""
    import numpy as np
    path = os.path.join(folder, name)
    with gzip.open(path + ".gz") if os.path.exists(path + ".gz") else open(path, "rb") as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def images(folder, part):
    """[samples, 784] float32 in [0, 1]; part is "train" or "t10k"."""
    import numpy as np
    return idx(folder, f"{part}-images-idx3-ubyte", 16).reshape(-1, 784).astype(np.float32) / 255


def labels(folder, part):
    import numpy as np
    return idx(folder, f"{part}-labels-idx1-ubyte", 8).astype(np.int64)


def window_rates(seconds, units, call):
    """Calls for `seconds` in all, after a few for warming up; units a second in every window."""
    begin = time.perf_counter()
    for _ in range(WARM_UP):
        if time.perf_counter() - begin > seconds / WINDOWS:
            break
        call()
    rates = []
    for _ in range(WINDOWS):
        begin, done = time.perf_counter(), 0
        while done == 0 or time.perf_counter() - begin < seconds / WINDOWS:
            call()
            done += units
        rates.append(done / (time.perf_counter() - begin))
    return rates


def say(peer, facts, rates):
    """The best window and all of them, as one line."""
    print(json.dumps({"peer": peer, **facts, "samples_per_s": round(max(rates), 1),
                      "us_per_batch": round(1e6 * facts["batch"] / max(rates), 2),
                      "windows": [round(rate, 1) for rate in rates]}), flush=True)
