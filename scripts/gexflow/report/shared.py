"""What the report says of samples that datasets of the study share."""

from typing import Any

from gexflow.report.words import counted, known, listed, number, whole

Row = dict[str, Any]
MOST_NAMED = 6


def shared_table(rows: list[Row]) -> list[dict[str, str]]:
    """Return one row of texts a pair of datasets that could be compared."""
    return [
        {
            "dataset": pair[0]["dataset"],
            "other": pair[0]["other"],
            "genes": whole(pair[0]["genes_in_common"]),
            "shared": "; ".join(f"{whole(row['shared'])} of {whole(row['of'])}" for row in pair),
            "largest": number(pair[0]["largest_similarity"], 4),
            "threshold": number(pair[0]["threshold"], 4),
            "same_family": pair[0]["same_family"],
            "note": pair[0]["note"] if known(pair[0]["note"]) else "",
        }
        for pair in _pairs(rows)
        if known(pair[0]["threshold"])
    ]


def not_compared(rows: list[Row]) -> str:
    """Name the pairs of datasets that could not be compared, and why; "" if there are none."""
    pairs = [pair[0] for pair in _pairs(rows) if not known(pair[0]["threshold"])]
    if not pairs:
        return ""
    names = listed([f"{row['dataset']} and {row['other']}" for row in pairs], MOST_NAMED)
    reasons = "; ".join(dict.fromkeys(row["note"] for row in pairs if known(row["note"])))
    return f"{counted(len(pairs), 'pair')} of datasets could not be compared ({reasons or 'unknown'}): {names}."


def shared_caveats(rows: list[Row]) -> list[dict[str, Any]]:
    """Return caveats on datasets that share samples: loudly where the config gives them different families."""
    cases = (
        ("no", "Shared samples", "These datasets share samples, but the config names different families.", True),
        ("yes", "Datasets of one family", "They share patients, so they don't confirm one another.", False),
    )
    caveats = []
    for same, title, text, loud in cases:
        pairs = [pair for pair in _pairs(rows) if pair[0]["same_family"] == same]
        items = [_item(pair) for pair in pairs if same == "yes" or any(row["shared"] for row in pair)]
        if items:
            caveats.append({"title": title, "text": text, "loud": loud, "items": items})
    return caveats


def _item(pair: list[Row]) -> dict[str, str]:
    first = pair[0]
    names = f"{first['dataset']}, {first['other']}"
    if not known(first["threshold"]):
        return {"datasets": names, "text": "by the config; they could not be compared."}
    found = [f"{whole(row['shared'])} of {counted(row['of'], 'sample')} of {row['dataset']}" for row in pair]
    others = f"found in {first['other']} too" if len(pair) == 1 else "found in the other one too"
    advice = f": {first['note']}" if known(first["note"]) and first["same_family"] == "no" else ""
    return {"datasets": names, "text": f"{' and '.join(found)} {others}{advice}."}


def _pairs(rows: list[Row]) -> list[list[Row]]:
    """Put both directions of a pair of datasets together, in the order of the first."""
    pairs: dict[frozenset, list[Row]] = {}
    for row in rows:
        pairs.setdefault(frozenset((row["dataset"], row["other"])), []).append(row)
    return list(pairs.values())
