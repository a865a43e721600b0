"""What else the machine did during a measurement: other processes make its figures worthless."""
import os
import pathlib
import resource

OTHERS = 0.05   # share of the processors above which a measurement counts as disturbed
OWN_LOAD = 0.5  # load above one a processor that our own programs may make: the loader's thread beside those that compute


def busy_seconds(text):
    """Processor seconds spent on anything by anyone, stolen ones too, from the first line of /proc/stat."""
    user, nice, system, _idle, _wait, irq, soft, steal = map(int, text.split("\n", 1)[0].split()[1:9])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime + own.ru_utime + own.ru_stime


class Watch:
    """Begins when it is made; stop() tells the load averages and the share of the processors that others had."""

    def __init__(self, clock):
        self.clock = clock
        self.begin = self.now()
        self.load = os.getloadavg()[0]

    def now(self):
        try:
            busy = busy_seconds(pathlib.Path("/proc/stat").read_text(encoding="ascii"))
        except OSError:
            busy = None
        return self.clock(), busy, children_seconds()

    def stop(self):
        (t0, busy0, ours0), (t1, busy1, ours1) = self.begin, self.now()
        others = 0.0
        if busy0 is not None and busy1 is not None and t1 > t0:
            others = max(0.0, (busy1 - busy0) - (ours1 - ours0)) / (t1 - t0) / (os.cpu_count() or 1)
        return {"load": [round(self.load, 2), round(os.getloadavg()[0], 2)], "others": round(others, 3)}


def disturbed(record, processors):
    return max(record["load"]) > processors + OWN_LOAD or record["others"] > OTHERS
