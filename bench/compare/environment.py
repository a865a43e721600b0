"""The peers' virtual environment, the data both sides read, and the machine it all runs on."""
import os
import pathlib
import platform
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = ROOT / "bench" / "peers"
MODULES = ("torch", "numpy", "onnx", "onnxruntime")
FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")  # Debian's, which tempera finds by itself


class Missing(Exception):
    """Something the comparison needs is not there; the text says what, and how to get it."""


def absent_modules(python):
    """Of the peers' modules, those that this interpreter cannot find."""
    code = f"import importlib.util as u; print(*[m for m in {MODULES!r} if u.find_spec(m) is None])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Missing(f"{python} does not run: {done.stderr.strip()}")
    return done.stdout.split()


def peers_python(given=None, folder=ROOT / "build" / "peers"):
    """An interpreter that has the peers: the one given, or that of a virtual environment made for them."""
    python = pathlib.Path(given) if given else folder / "bin" / "python"
    if not given and not python.exists():
        print(f"making a virtual environment in {folder}", file=sys.stderr)
        made = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise Missing(f"no virtual environment could be made (Debian: apt-get install python3-venv):\n{made.stdout}{made.stderr}")
    absent = absent_modules(str(python))
    if absent and given:
        raise Missing(f"{python} has no {', '.join(absent)}; "
                      f"to get them: {python} -m pip install -r bench/peers/requirements.txt")
    if absent:
        print(f"installing the peers: {', '.join(absent)}", file=sys.stderr)
        install = [str(python), "-m", "pip", "install", "--quiet", "-r", str(PEERS / "requirements.txt")]
        if subprocess.run(install, stdout=sys.stderr, check=False).returncode != 0:
            raise Missing(f"pip could not install the peers; missing: {', '.join(absent_modules(str(python)))}. "
                          "With an interpreter that has them: ./dev bench compare --python PATH")
    return str(python)


def data_folder():
    """The folder tempera would read MNIST from, else Debian's Fashion-MNIST: times do not depend on which."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    named = os.environ.get("TEMPERA_DATA")
    places = [named, os.path.join(named, "mnist")] if named else []
    places += [ROOT / "data" / "mnist", os.path.join(home, "tempera", "mnist"), os.path.join(home, "tempera"),
               FASHION]
    for place in map(pathlib.Path, places):
        if any((place / f"train-images-idx3-ubyte{ending}").exists() for ending in ("", ".gz")):
            return str(place.resolve())
    raise Missing("neither MNIST nor Fashion-MNIST is here: build/release/bin/tempera data get mnist, "
                  "or apt-get install dataset-fashion-mnist")


def processor():
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    name = re.search(r"^model name\s*:\s*(.+)$", text, re.M)
    return name.group(1).strip() if name else platform.machine()


def machine_name():
    """The processor's name, fit for a file's."""
    plain = re.sub(r"\((R|TM|C)\)|\bCPU\b|@.*", "", processor())
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def revision():
    def git(*args):
        return subprocess.run(["git", "-C", str(ROOT), *args], capture_output=True, text=True, check=False).stdout.strip()
    # Pages of results are written about a revision and change nothing that is measured.
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/results")
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + (" with uncommitted changes" if changed else "")


def has_bf16():
    """Whether the processor multiplies bf16 itself."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return re.search(r"^flags\s*:.*\b(avx512_bf16|amx_bf16)\b", text, re.M) is not None


def gzipped(data):
    """Whether the training images of this folder lie there gzipped."""
    return (pathlib.Path(data) / "train-images-idx3-ubyte.gz").exists()


def facts():
    return {"processor": processor(), "cores": len(os.sched_getaffinity(0)), "system": f"{platform.system()} {platform.release()}"}
