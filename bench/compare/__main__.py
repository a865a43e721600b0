"""./dev bench compare: tempera and its peers on the same work, side by side, in rounds.

Every measurement is kept in build/compare/<machine>.jsonl as soon as it is there; the page docs/results/bench-<machine>.md is
written from them at the end. After an interruption, or to add sections or rounds, --resume measures what is missing."""
import argparse
import pathlib
import sys

import environment
from cells import SECTIONS, WORKLOADS, cells
from page import page
from records import Records
from runs import Failed, Runner, compare, libraries, require


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


def arguments(words=None):
    parser = argparse.ArgumentParser(prog="./dev bench compare", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sections", type=list_of(SECTIONS), default=list(SECTIONS), metavar="LIST",
                        help=f"of {','.join(SECTIONS)} (default: all)")
    parser.add_argument("--workloads", type=list_of(WORKLOADS), default=list(WORKLOADS), metavar="LIST",
                        help=f"of {','.join(WORKLOADS)} (default: all)")
    parser.add_argument("--threads", type=thread_counts, default=[1, 2], metavar="LIST", help="default: 1,2")
    parser.add_argument("--seconds", type=positive(float), default=1.5,
                        help="timed part of a measurement, of three windows (default 1.5)")
    parser.add_argument("--rounds", type=positive(int), default=5, help="of every measurement (default 5)")
    parser.add_argument("--resume", action="store_true",
                        help="keep what was measured before and add what is missing of these rounds, sections, workloads")
    parser.add_argument("--page-only", action="store_true", help="measure nothing: write the page from what was measured")
    parser.add_argument("--python", metavar="PATH", help="an interpreter that has the peers, instead of a virtual environment")
    parser.add_argument("--out", type=pathlib.Path, metavar="FILE", help="default: docs/results/bench-<machine>.md")
    parser.add_argument("--records", type=pathlib.Path, metavar="FILE", help="default: build/compare/<machine>.jsonl")
    return parser.parse_args(words)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def typed_command(words):
    """What was typed, without paths of this machine."""
    kept, skip = [], False
    for word in words:
        if not skip and not word.startswith(("--python", "--out", "--records")):
            kept.append(word)
        skip = not skip and word in ("--python", "--out", "--records")
    return " ".join(["./dev bench compare", *kept])


def measure(args, records):
    """Fills the records; returns what failed."""
    data = environment.data_folder()
    sections = list(args.sections)
    if "program" in sections and "fashion" in data:
        print("leaving out the section program: it needs MNIST itself", file=sys.stderr)
        sections.remove("program")
    if "bf16" in sections and not environment.has_bf16():
        print("leaving out the section bf16: this processor has no such arithmetic", file=sys.stderr)
        sections.remove("bf16")
    chosen = cells(sections, args.workloads, args.threads, args.seconds, libraries=libraries(), has_bf16=environment.has_bf16(),
                   dataset="fashion_mnist" if "fashion" in data else "mnist", gzipped=environment.gzipped(data))
    require(sorted({side.command[0] for cell in chosen for side in cell.sides if not side.command[0].endswith(".py")}))
    scripts = any(side.command[0].endswith(".py") for cell in chosen for side in cell.sides)
    runner = Runner(environment.peers_python(args.python) if scripts else sys.executable, data)
    if not args.resume:
        records.begin()
    return compare(chosen, args.rounds, runner, records, environment.revision())


def main():
    args = arguments()
    name = environment.machine_name()
    records = Records(args.records or environment.ROOT / "build" / "compare" / f"{name}.jsonl")
    try:
        failures = {} if args.page_only else measure(args, records)
    except (environment.Missing, Failed) as error:
        print(f"bench compare: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"bench compare: interrupted. {len(records.all())} measurements are in {records.path}; to go on: the same command with "
              "--resume", file=sys.stderr)
        return 130
    found = records.all()
    if not found:
        print(f"bench compare: nothing was measured ({records.path})", file=sys.stderr)
        return 1
    path = args.out or environment.ROOT / "docs" / "results" / f"bench-{name}.md"
    write(path, page(found, environment.facts(), typed_command(sys.argv[1:]), failures))
    print(path)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
