"""Records of measured items: merged into results.json, and the Markdown table made from them."""

import json
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.item import Item

BEGIN, END = "<!-- table of results.json: begin -->", "<!-- table of results.json: end -->"
HEADER = "| item | peer | GexFlow | peer | ratio | at least | aim | bar | peak memory | both agree |"
RULE = "|---|---|---|---|---|---|---|---|---|---|"


def make_record(
    item: Item, peer: str, rounds: list[tuple[dict, dict]], data: dict, agreement: dict, full: bool = True
) -> dict[str, Any]:
    """Sum up the rounds of an item.

    Parameters
    ----------
    item : Item
    peer : str
        The peer's way in words.
    rounds : list of (ours, peer)
        Answers of the measured processes.
    data : dict
        What the making of the data told, with `input_bytes`.
    agreement : dict
    full : bool
        False: a try on tiny data, on which no bar of speed or memory is set.
    """
    ours, peers = ([pair[side] for pair in rounds] for side in (0, 1))
    seconds = [median(answer["seconds"] for answer in side) for side in (ours, peers)]
    peaks = [max(answer["peak_bytes"] for answer in side) for side in (ours, peers)]
    record = {"item": item.name, "about": item.about if full else "tiny data", "peer": peer}
    record |= {"ours_seconds": round(seconds[0], 4), "peer_seconds": round(seconds[1], 4)}
    record |= {"ratio": round(seconds[1] / seconds[0], 2)}
    record |= {"ours_peak_bytes": peaks[0], "peer_peak_bytes": peaks[1], "input_bytes": data["input_bytes"]}
    record |= {"at_least": item.at_least if full else None, "aim": item.aim, "most_memory": item.most_memory}
    record |= {"agreement": agreement, "rounds": len(rounds)}
    record["bar"] = judge(record, full)
    for name, side in (("ours", ours), ("peer", peers)):
        record[f"{name}_round_seconds"] = [round(answer["seconds"], 4) for answer in side]
        record[f"{name}_scaled"] = side[0]["scaled"]
        record[f"{name}_facts"] = side[0]["facts"]
    return record | {"data": data}


def judge(record: dict, full: bool = True) -> str:
    """Say in words whether the bar is met: agreement, and at full scale speed and, where it is bounded, memory."""
    short = []
    if not record["agreement"]["agrees"]:
        short.append("results differ")
    if full and record["at_least"] is not None and record["ratio"] < record["at_least"]:
        short.append("too slow")
    most = record["most_memory"]
    if full and most is not None and record["ours_peak_bytes"] > most * record["input_bytes"]:
        short.append(f"peak memory above {most:g} times the input")
    if short:
        return f"not met: {', '.join(short)}"
    return "none set" if record["at_least"] is None else "met"


def merge(path: Path, record: dict) -> list[dict]:
    """Put a record into the file in place of an earlier one of the same item and device; return all."""
    records = json.loads(path.read_text()) if path.exists() else []
    key = (record["item"], record["device"])
    kept = [other for other in records if (other["item"], other["device"]) != key]
    records = sorted([*kept, record], key=lambda one: (one["item"], one["device"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(records, indent=2) + "\n")
    return records


def table(records: list[dict], order: list[str]) -> str:
    """Return the Markdown table of records, in the order of the items, and the machines that they were measured on."""
    known = [record for record in records if record["item"] in order]
    known.sort(key=lambda record: (order.index(record["item"]), record["device"]))
    lines = [HEADER, RULE, *(_row(record) for record in known), ""]
    for text in dict.fromkeys(_circumstances(record) for record in known):
        items = ", ".join(f"`{record['item']}`" for record in known if _circumstances(record) == text)
        lines += [f"{items}: {text}", ""]
    return "\n".join(lines).rstrip()


def _row(record: dict) -> str:
    bar = "-" if record["at_least"] is None else f"{record['at_least']:g} x"
    marks = [_seconds(record[f"{side}_seconds"]) + ("*" if record[f"{side}_scaled"] else "") for side in _SIDES]
    peaks = " / ".join(_size(record[f"{side}_peak_bytes"]) for side in _SIDES)
    name = f"`{record['item']}`" + ("" if record["device"] == "cpu" else f" on {record['device']}")
    cells = [f"{name}: {record['about']}", record["peer"], *marks, f"{record['ratio']:.1f} x", bar]
    cells += [record["aim"] or "-", record["bar"], peaks, record["agreement"]["words"]]
    return f"| {' | '.join(cells)} |"


_SIDES = ("ours", "peer")


def _seconds(value: float) -> str:
    return f"{value:,.0f} s" if value >= 100 else f"{value:.3g} s"


def _size(value: int) -> str:
    return f"{value / 2**30:.2f} GiB"


def _circumstances(record: dict) -> str:
    machine, versions = record["machine"], ", ".join(f"{key} {value}" for key, value in record["versions"].items())
    rounds = "one round" if record["rounds"] == 1 else f"medians of {record['rounds']} rounds"
    gpu = "no GPU" if machine["gpu"] == "none" else machine["gpu"]
    return (
        f"{record['date']}, {machine['cpu']}, {machine['cores']} cores, {record['threads']} threads each, "
        f"{machine['memory_gib']} GiB of memory, {gpu}; {rounds}; {versions}."
    )


def write_table(path: Path, text: str) -> None:
    """Put the table between the two marks of a Markdown file."""
    before, rest = path.read_text().split(BEGIN)
    after = rest.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
