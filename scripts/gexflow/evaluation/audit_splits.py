"""The audit of the folds: what every split has to keep, looked up in the splits themselves."""

import pandas as pd

from gexflow.errors import listed
from gexflow.evaluation.audit_rows import FINDING, NOT_TESTABLE, PASS, Row

HELD = "holdout"


def audit_splits(splits: pd.DataFrame, samples: pd.DataFrame, pairs: list[tuple[str, str]], searched: str) -> list[Row]:
    """Check what every split has to keep.

    Parameters
    ----------
    splits : DataFrame
        sample, repeat, fold, part. Its own groups are not looked at: they may be what is wrong.
    samples : DataFrame, index: sample
        label and group, as in the cohort.
    pairs : list of (sample, sample)
        Near-duplicates.
    searched : str
        Where they come from; "" where nobody searched.
    """
    known = splits.join(samples[["label", "group"]].astype(str).rename(columns={"group": "patient"}), on="sample")
    return [
        _apart("split: samples", known, "sample", "sample"),
        _apart("split: groups", known, "patient", "group"),
        _duplicates(splits, pairs, searched),
        _tested_once(splits),
        _classes(known, sorted(samples["label"].astype(str).unique())),
    ]


def _apart(check: str, known: pd.DataFrame, column: str, noun: str) -> Row:
    """Look for what stands in two parts of a fold."""
    parts = known.groupby(["fold", column])["part"].nunique()
    torn = list(dict.fromkeys(parts[parts > 1].index.get_level_values(column)))
    if torn:
        detail = f"{_count(len(torn), noun)} in two parts of a fold: {listed(torn, 5)}."
        return Row(check, "", FINDING, str(len(torn)), "0", detail)
    detail = f"No {noun} is in two parts of a fold, {_count(known[column].nunique(), noun)} in all."
    return Row(check, "", PASS, "0", "0", detail)


def _duplicates(splits: pd.DataFrame, pairs: list[tuple[str, str]], searched: str) -> Row:
    check = "split: near-duplicates"
    if not searched:
        return Row(check, "", NOT_TESTABLE, "", "0", "Nobody searched for near-duplicates: there are too few genes.")
    parts = splits.drop_duplicates(["sample", "fold"]).pivot(index="sample", columns="fold", values="part")
    pairs = [pair for pair in pairs if set(pair) <= set(parts.index)]
    torn = [pair for pair in pairs if (parts.loc[pair[0]] != parts.loc[pair[1]]).any()]
    if torn:
        names = listed([" and ".join(pair) for pair in torn], 3)
        detail = (
            f"{_count(len(torn), 'pair')} of near-duplicates in two parts of a fold ({searched}): {names}. A model "
            "knows the answer from training; set near_duplicates to auto, or give these samples one group."
        )
        return Row(check, "", FINDING, str(len(torn)), "0", detail)
    detail = f"{_count(len(pairs), 'pair')} of near-duplicates known ({searched}), none in two parts of a fold."
    return Row(check, "", PASS, "0", "0", detail)


def _tested_once(splits: pd.DataFrame) -> Row:
    held = set(splits.loc[splits["part"] == HELD, "sample"])
    rows = splits[~splits["sample"].isin(held)]
    times = (rows["part"] == "test").groupby([rows["repeat"], rows["sample"]]).sum()
    wrong = list(dict.fromkeys(times[times != 1].index.get_level_values("sample")))
    if wrong:
        detail = f"{_count(len(wrong), 'sample')} not tested exactly once a repeat: {listed(wrong, 5)}."
        return Row("split: tested once", "", FINDING, str(len(wrong)), "0", detail)
    apart = f"; {_count(len(held), 'sample')} held out of all folds" if held else ""
    detail = f"Every one of {_count(rows['sample'].nunique(), 'sample')} is tested once a repeat{apart}."
    return Row("split: tested once", "", PASS, "0", "0", detail)


def _classes(known: pd.DataFrame, classes: list[str]) -> Row:
    train = known[known["part"] == "train"]
    lacking = [
        f"{label} in fold {fold}"
        for fold in sorted(known["fold"].unique())
        for label in sorted(set(classes) - set(train.loc[train["fold"] == fold, "label"].astype(str)))
    ]
    if lacking:
        detail = f"A training part lacks a class: {listed(lacking, 5)}."
        return Row("split: classes", "", FINDING, str(len(lacking)), "0", detail)
    detail = f"Every training part has all {len(classes)} classes."
    return Row("split: classes", "", PASS, "0", "0", detail)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
