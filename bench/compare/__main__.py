"""./dev bench compare: tempera and its peers on the same work, in turn, in one go."""
import argparse
import json
import os
import pathlib
import sys

import environment
from cells import SECTIONS, WORKLOADS, cells
from page import page
from runs import Failed, compare, require_program


def list_of(allowed):
    def parse(text):
        chosen = text.split(",")
        wrong = [name for name in chosen if name not in allowed]
        if wrong:
            raise argparse.ArgumentTypeError(f"{', '.join(wrong)}: must be of {', '.join(allowed)}")
        return [name for name in allowed if name in chosen]
    return parse


def thread_counts(text):
    counts = sorted({int(part) for part in text.split(",")})
    if not counts or counts[0] < 1:
        raise argparse.ArgumentTypeError(f"{text}: must be numbers of at least 1")
    return counts


def positive(kind):
    def parse(text):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text}: must be above 0")
        return value
    return parse


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench compare", description=__doc__)
    parser.add_argument("--sections", type=list_of(SECTIONS), default=list(SECTIONS), metavar="LIST",
                        help=f"of {','.join(SECTIONS)} (default: all)")
    parser.add_argument("--workloads", type=list_of(WORKLOADS), default=list(WORKLOADS), metavar="LIST",
                        help=f"of {','.join(WORKLOADS)} (default: all)")
    parser.add_argument("--threads", type=thread_counts, default=[1, 2], metavar="LIST", help="default: 1,2")
    parser.add_argument("--seconds", type=positive(float), default=3.0,
                        help="timed part of a measurement, of three windows (default 3)")
    parser.add_argument("--rounds", type=positive(int), default=5, help="of every measurement (default 5)")
    parser.add_argument("--python", metavar="PATH", help="an interpreter that has the peers, instead of a virtual environment")
    parser.add_argument("--out", type=pathlib.Path, metavar="FILE", help="default: docs/results/bench-<machine>.md")
    return parser.parse_args()


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def raw(results):
    """Every number that was measured, for other uses than the page's."""
    return json.dumps([{"section": c.section, "name": c.name, "threads": c.threads, "mark": c.mark,
                        "sides": [{"peer": s.peer, "values": {str(k): v for k, v in s.values.items()}} for s in sides]}
                       for c, sides in results.items()], indent=1)


def main():
    args = arguments()
    try:
        require_program()
        data = environment.data_folder()
        python = environment.peers_python(args.python)
        facts = environment.facts()
        if "program" in args.sections and "fashion" in data:
            print("leaving out the section program: it needs MNIST itself", file=sys.stderr)
            args.sections.remove("program")
        chosen = cells(args.sections, args.workloads, args.threads, args.seconds, data)
        results = compare(chosen, args.rounds, python, data)
    except (environment.Missing, Failed) as error:
        print(f"bench compare: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench compare: interrupted, nothing was written", file=sys.stderr)
        return 130
    facts["load_after"] = os.getloadavg()[0]
    name = environment.machine_name()
    path = args.out or environment.ROOT / "docs" / "results" / f"bench-{name}.md"
    typed = [a for a in sys.argv[1:] if not a.startswith("--python=")]
    if "--python" in typed:
        at = typed.index("--python")
        del typed[at:at + 2]
    write(path, page(results, facts, args.rounds, " ".join(["./dev bench compare", *typed])))
    write(environment.ROOT / "build" / f"bench-{name}.json", raw(results))
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
