"""Runs the commands of cells, side by side in rounds."""
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from cells import program_config
from disturbance import Watch
from environment import FASHION, PEERS, ROOT
from readings import read
from records import rounds_done

PROGRAMS = {"tempera": ROOT / "build" / "release" / "bin" / "tempera", "bench_kernels": ROOT / "build" / "bench" / "bin" / "bench_kernels",
            "bench_peers": ROOT / "build" / "bench" / "bin" / "bench_peers"}
TARGETS = {"tempera": "release tempera", "bench_kernels": "bench bench_kernels", "bench_peers": "bench bench_peers"}
# This workplace's or the user's settings of OpenBLAS are for other programs: as a peer it chooses by itself.
OPENBLAS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
STARTS = 20  # of `tempera --version` in a round


class Failed(Exception):
    """A command that did not do its work; the text is the command and what it said."""


def measured(command, environment):
    """Standard output, wall seconds and peak resident bytes of a command."""
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as said, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said,
                                                             env=environment) as process:
        try:
            text = process.stdout.read().decode()
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()  # Ctrl-C reaches it anyway, an interrupt sent to this process alone does not
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - begin
        if process.returncode != 0:
            said.seek(0)
            tail = "\n".join(said.read().decode(errors="replace").splitlines()[-15:])
            raise Failed(f"{' '.join(command)}\nended with status {process.returncode}:\n{tail}")
    return text, seconds, usage.ru_maxrss * 1024


class Runner:
    def __init__(self, python, data):
        self.python, self.data = python, data

    def words(self, side, **places):
        first, *rest = (word.format(data=self.data, **places) if word.startswith("{") else word for word in side.command)
        return [str(PROGRAMS[first]), *rest] if first in PROGRAMS else [self.python, str(PEERS / first), *rest]

    def environment(self, side, **more):
        variables = {k: v for k, v in os.environ.items() if k not in OPENBLAS}
        if side.command[0] == "tempera" and self.data != str(FASHION.resolve()):  # which is no folder of MNIST
            variables["TEMPERA_DATA"] = self.data
        if side.command[0] == "bench_peers":
            variables |= {"OMP_NUM_THREADS": str(side.threads), "OPENBLAS_NUM_THREADS": str(side.threads)}
        return variables | more

    def run(self, cell, side):
        """What one side of a cell measured."""
        with tempfile.TemporaryDirectory() as folder:
            places = {"config": f"{folder}/program.json", "out": f"{folder}/run"}
            if cell.section == "program":
                pathlib.Path(places["config"]).write_text(json.dumps(program_config(cell.name)), encoding="utf-8")
            words = self.words(side, **places)
            if cell.section == "startup":
                output = self.start(side, words, folder)
            else:
                output = [self.careful(side, words)]
        reading = read(cell.section, side.name, output)
        return {"peer": reading["peer"], "command": list(side.command), "values": reading["values"], "notes": reading["notes"]}

    def careful(self, side, words):
        try:
            return measured(words, self.environment(side))
        except Failed:
            settings = {name: os.environ[name] for name in OPENBLAS if name in os.environ}
            if "openblas" not in side.command or not settings:
                raise
            print(f"OpenBLAS failed by its own choice; again with {settings}", file=sys.stderr)
            return measured(words, self.environment(side, **settings))

    def start(self, side, words, folder):
        """Starts of the program, or loads of the data without and with its cache of decompressed files."""
        cache = {"XDG_CACHE_HOME": f"{folder}/cache"}
        if side.name == "version":
            return [measured(words, self.environment(side)) for _ in range(STARTS)]
        first = measured(words, self.environment(side, **cache))
        return [first] if side.name == "gzip" else [measured(words, self.environment(side, **cache))]


def compare(chosen, rounds, runner, records, revision):
    """Measures what is missing of `rounds` rounds of every cell; every second round begins with the last side. Returns what failed."""
    done = {cell.key: rounds_done(records.all(), cell) for cell in chosen}
    failures = {}
    for number in range(rounds):
        for at, cell in enumerate(chosen):
            if done[cell.key] > number:
                continue
            print(f"round {number + 1} of {rounds}, {at + 1} of {len(chosen)}: {cell.section} {cell.name}", file=sys.stderr)
            watch = Watch(time.perf_counter)
            try:
                turns = cell.sides if number % 2 == 0 else cell.sides[::-1]
                measurements = {side.label: runner.run(cell, side) for side in turns}
            except (Failed, ValueError, KeyError) as error:
                failures[cell.key] = str(error)
                print(f"bench compare: {cell.section} {cell.name}: {error}", file=sys.stderr)
                continue
            sides = {side.label: measurements[side.label] for side in cell.sides}
            at_time = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
            records.add({"section": cell.section, "name": cell.name, "at": at_time, "revision": revision, **watch.stop(),
                         "sides": sides})
            failures.pop(cell.key, None)
    return failures


def require(programs):
    for name in programs:
        if not PROGRAMS[name].exists():
            raise Failed(f"{PROGRAMS[name].relative_to(ROOT)} is not built: ./dev build {TARGETS[name]}")


def libraries():
    """Those that bench_peers was built with."""
    listed = subprocess.run([str(PROGRAMS["bench_peers"]), "--list"], capture_output=True, text=True, check=False)
    return listed.stdout.split() if listed.returncode == 0 else []
