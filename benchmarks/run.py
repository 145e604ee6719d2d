"""Time GexFlow beside its peers, item by item.

    python -m benchmarks.run [ITEM ...] [--scale small] [--rounds 3] [--threads 2] [--folder DIR]

Both sides run in turn, each in a fresh process with the same number of threads. Records go to benchmarks/results.json
and into the table of benchmarks/README.md; at another scale than the full one to the folder of the data only.
"""

import argparse
import datetime
import hashlib
import json
import shutil
import sys
from pathlib import Path

from benchmarks.item import Item, Unsuitable, load_arrays
from benchmarks.items import ITEMS
from benchmarks.machine import commit, describe_machine
from benchmarks.processes import ROOT, Failed, Processes
from benchmarks.records import make_record, merge, table, write_table

BENCHMARKS = ROOT / "benchmarks"
# a candidate for the fastest peer may take this many times as long as the fastest so far, but a minute in any case
PATIENCE, MINUTE = 5, 60


def arguments_of(command: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", nargs="*", metavar="ITEM", help=f"all without any: {', '.join(ITEMS)}")
    parser.add_argument("--scale", choices=["full", "small"], default="full", help="small: seconds, for a try")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="for both sides")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="for the items that train networks")
    parser.add_argument("--folder", type=Path, default=BENCHMARKS / "scratch", help="for data: 4 GB at full scale")
    parser.add_argument("--peers", default=str(ROOT / ".venv-bench/bin/python"), help="interpreter with the peers")
    parser.add_argument("--results", type=Path, help="where the records go, if elsewhere")
    arguments = parser.parse_args(command)
    if unknown := [name for name in arguments.items if name not in ITEMS]:
        parser.error(f'there is no item "{unknown[0]}": choose from {", ".join(ITEMS)}')
    if arguments.rounds < 1 or arguments.threads < 1:
        parser.error("rounds and threads have to be at least 1")
    return arguments


def make_data(processes: Processes) -> dict:
    """Make the item's data, unless they are there from an earlier run with the same settings and code."""
    item, folder = processes.item, processes.folder
    size = {key: value for key, value in processes.settings.items() if key not in ("threads", "device")}
    sources = [BENCHMARKS / "simulate.py", Path(sys.modules[item.make.__module__].__file__)]
    text = json.dumps(size, sort_keys=True) + "".join(path.read_text() for path in sources)
    digest, made = hashlib.sha256(text.encode()).hexdigest(), folder / "made.json"
    if made.exists() and (known := json.loads(made.read_text())).pop("digest") == digest:
        return known
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    facts = processes.run("data")
    made.write_text(json.dumps(facts | {"digest": digest}))
    return facts


def choose_peer(processes: Processes, ways: list[str]) -> tuple[str, dict[str, str]]:
    """Return the fastest of the peer's ways for this size, and what each one's trial gave, in words."""
    item = processes.item
    if len(ways) == 1:
        return ways[0], {}
    answers, results, told, fastest = {}, {}, {}, None
    path = processes.folder / "trial.npz"
    for words in ways:
        timeout = None if fastest is None else max(MINUTE, PATIENCE * fastest)
        try:
            answers[words] = processes.run("peer", timeout, peer=words, arrays=str(path))
            results[words] = load_arrays(path)
            seconds = answers[words]["seconds"]
            fastest = seconds if fastest is None else min(fastest, seconds)
            told[words] = f"{seconds:.3g} s"
        except Unsuitable as reason:
            told[words] = str(reason)
        print(f"  trial of {words}: {told[words]}", flush=True)
    path.unlink(missing_ok=True)
    sound = item.sound({words: answer["facts"] for words, answer in answers.items()}, results)
    for words in answers:
        told[words] += "" if words in sound else ", without a full answer"
    return min(sound, key=lambda words: answers[words]["seconds"]), told


def run_item(item: Item, arguments: argparse.Namespace) -> dict | None:
    """Measure an item; return its record, or None if it has to be skipped, after saying why."""
    device = arguments.device if item.gpu else "cpu"
    settings = item.sizes[arguments.scale] | {"threads": arguments.threads, "device": device}
    folder = arguments.folder / f"{item.data}-{arguments.scale}"
    processes = Processes(item, folder, settings, arguments.peers)
    if not processes.peer_is_there():
        print(f"{item.name}: skipped, because its peer {item.peer_package} is not installed in {arguments.peers}")
        return None
    print(f"{item.name}: {item.about if arguments.scale == 'full' else 'tiny data'}", flush=True)
    data = make_data(processes)
    ways = list(item.peers)
    peer, trials = choose_peer(processes, ways if arguments.scale == "full" else ways[:2])
    rounds, versions = [], {}
    stored = {side: str(folder / f"{item.name}-{side}.npz") for side in ("ours", "peer")}
    for number in range(1, arguments.rounds + 1):
        processes.settings = settings | {"round": number}
        pair = [processes.run(side, peer=peer, arrays=stored[side] if number == 1 else "") for side in ("ours", "peer")]
        versions = pair[1].pop("versions") | pair[0].pop("versions")
        rounds.append(tuple(pair))
        ours, theirs = (answer["seconds"] for answer in pair)
        print(f"  round {number}: GexFlow {ours:.3f} s, peer {theirs:.3f} s", flush=True)
    agreement = processes.run("compare", **stored)
    for path in stored.values():
        Path(path).unlink()
    record = make_record(item, peer, rounds, data, agreement, arguments.scale == "full")
    record |= {"trials": trials, "scale": arguments.scale, "threads": arguments.threads, "device": device}
    record |= {"date": datetime.date.today().isoformat(), "commit": commit(ROOT)}
    record |= {"machine": describe_machine(arguments.threads), "versions": versions}
    print(f"  {record['ratio']:.2f} times as fast as {peer}; bar {record['bar']}; {agreement['words']}", flush=True)
    return record


def main(command: list[str] | None = None) -> int:
    """Run the items that were asked for; return 1 if one failed."""
    arguments = arguments_of(command)
    full = arguments.scale == "full"
    results = arguments.results or (BENCHMARKS if full else arguments.folder) / "results.json"
    failed = 0
    for name in arguments.items or ITEMS:
        try:
            record = run_item(ITEMS[name], arguments)
        except (Failed, Unsuitable) as error:
            print(f"{name}: failed: {error}", file=sys.stderr)
            failed = 1
            continue
        if record is None:
            continue
        records = merge(results, record)
        if arguments.results is None and full:
            write_table(BENCHMARKS / "README.md", table(records, list(ITEMS)))
    return failed


if __name__ == "__main__":
    sys.exit(main())
