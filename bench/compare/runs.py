"""Runs the commands of a cell and reads their lines."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

from cells import program_config
from environment import PEERS, ROOT

TEMPERA = ROOT / "build" / "release" / "bin" / "tempera"


class Failed(Exception):
    """A command that did not do its work; the text is the command and what it said."""


@dataclass
class Side:
    """All that one side of a cell measured: by kind of measurement, its windows over all rounds."""
    peer: str = ""
    values: dict = field(default_factory=dict)

    def add(self, kind, windows):
        self.values.setdefault(kind, []).extend(windows)


def measured(command, environment):
    """Standard output, wall seconds and peak resident bytes of a command."""
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as said, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said,
                                                             env=environment) as process:
        text = process.stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - begin
        if process.returncode != 0:
            said.seek(0)
            tail = "\n".join(said.read().decode(errors="replace").splitlines()[-15:])
            raise Failed(f"{' '.join(command)}\nended with status {process.returncode}:\n{tail}")
    return text, seconds, usage.ru_maxrss * 1024


def run_tempera(cell, data):
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "program.json"
        config.write_text(json.dumps(program_config()), encoding="utf-8")
        out = str(pathlib.Path(folder) / "run")
        arguments = [a.format(config=config, out=out) for a in cell.ours]
        return measured([str(TEMPERA), *arguments], os.environ | {"TEMPERA_DATA": data})


def run_peer(cell, python):
    script, *arguments = cell.peer
    return measured([python, str(PEERS / script), *arguments], dict(os.environ))


def accuracy_of(document):
    """The test accuracy in a summary of `tempera run`, or in the peer's line."""
    return document["accuracy"] if "accuracy" in document else document["results"]["float"]["test"]["accuracy"]


def take(side, section, output):
    text, seconds, memory = output
    if section == "program":
        document = json.loads(text)
        side.peer = document.get("peer", "tempera")
        side.add("seconds", [seconds])
        side.add("memory", [memory])
        side.add("accuracy", [accuracy_of(document)])
        return
    for line in map(json.loads, text.splitlines()):
        side.peer = line["peer"]
        if section == "gemm":
            side.add((line["m"], line["n"], line["k"]), [line["gflop_per_s"]])
            if "peak_gflop_per_s" in line:
                side.add("peak", [line["peak_gflop_per_s"]])
        else:
            side.add("samples_per_s", line["windows"])


def compare(chosen, rounds, python, data):
    """Every cell `rounds` times, the two sides in turn and the first of them changing. {cell: (ours, peer's)}"""
    results = {cell: (Side(), Side()) for cell in chosen}
    for number in range(rounds):
        for cell in chosen:
            ours, peer = results[cell]
            print(f"round {number + 1} of {rounds}: {cell.section} {cell.name}, {cell.threads} thread(s)", file=sys.stderr)
            turns = [(ours, lambda c=cell: run_tempera(c, data)), (peer, lambda c=cell: run_peer(c, python))]
            for side, run in turns if number % 2 == 0 else reversed(turns):
                take(side, cell.section, run())
    return results


def require_program():
    if not TEMPERA.exists() and shutil.which(str(TEMPERA)) is None:
        raise Failed(f"{TEMPERA.relative_to(ROOT)} is not built: ./dev build release tempera")
