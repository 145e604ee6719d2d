"""The record of a hold-out's openings: when, and by which settings."""

import hashlib
import json
from typing import Any

import anndata


def content_digest(held_out: anndata.AnnData) -> str:
    """Return a digest of what is to be predicted: values, gene ids and labels; 16 hex digits.

    Notes, addresses and the format of a file are not in it: another wording is no other cohort.
    """
    digest = hashlib.sha256(held_out.X.tobytes(order="C"))
    for names in (held_out.var_names, held_out.obs["label"].astype(str)):
        digest.update("\n".join(names).encode())
    return digest.hexdigest()[:16]


def record_opening(history: list[dict], settings: dict[str, Any], holdout: dict[str, Any], when: str) -> list[dict]:
    """Add an opening to the record, unless it is the last one again.

    Parameters
    ----------
    history : list of dict
        The openings so far.
    settings : dict
        All that decides what is then seen: `reading` of the cohort, `split`, `models`, {name: settings and recipe}, and
        digests of the `code` behind them.
    holdout : dict
        Number of samples, the digest of their names, and that of their `content`.
    when : str
        Time in UTC.

    Returns
    -------
    list of dict
        `when`, `digest` of settings and hold-out, `changed` (what differs from the opening before), `settings` and
        `holdout`.
    """
    content = json.dumps({"settings": settings, "holdout": holdout}, sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    if history and history[-1]["digest"] == digest:
        return history
    changed = _changed(history[-1], settings, holdout) if history else []
    entry = {"when": when, "digest": digest, "changed": changed, "settings": settings, "holdout": holdout}
    return [*history, entry]


def _changed(before: dict, settings: dict[str, Any], holdout: dict[str, Any]) -> list[str]:
    """Name what differs between two openings."""
    same = before["holdout"]["digest"] == holdout["digest"]
    found = [] if same else ["the held-out samples"]
    found += [] if before["settings"].get("reading") == settings["reading"] else ["how the cohort is read"]
    found += (
        ["the content of the held-out samples"]
        if same and before["holdout"].get("content") != holdout["content"]
        else []
    )
    found += [] if before["settings"]["split"] == settings["split"] else ["the folds"]
    found += [] if before["settings"].get("code") == settings.get("code") else ["the code"]
    old, new = before["settings"]["models"], settings["models"]
    return found + [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
