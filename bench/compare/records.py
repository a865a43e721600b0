"""What was measured, one JSON line a cell and round in build/compare/<machine>.jsonl, so that nothing of an interrupted run is lost."""
import json
import os
import time


class Records:
    def __init__(self, path):
        self.path = path

    def begin(self):
        """Starts anew; what is there from before is kept under another name."""
        if self.path.exists() and self.path.stat().st_size:
            self.path.rename(self.path.with_name(f"{self.path.stem}-{time.strftime('%Y%m%d-%H%M%S')}.jsonl"))

    def add(self, record):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        cut_off = self.path.exists() and self.path.read_bytes()[-1:] not in (b"", b"\n")
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(("\n" if cut_off else "") + json.dumps(record, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def all(self):
        """Every record. A last line that was cut off by a crash is not one."""
        if not self.path.exists():
            return []
        found = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                continue
        return found


def commands_of(record):
    return {label: side["command"] for label, side in record["sides"].items()}


def rounds_done(records, cell):
    """How often this cell was measured with these very commands."""
    return sum(1 for r in records if (r["section"], r["name"]) == cell.key and commands_of(r) == cell.commands)


def by_cell(records):
    """{(section, name): its records}, of those measured with the commands that were used last."""
    last = {(r["section"], r["name"]): commands_of(r) for r in records}
    grouped = {}
    for r in records:
        key = r["section"], r["name"]
        if commands_of(r) == last[key]:
            grouped.setdefault(key, []).append(r)
    return grouped
