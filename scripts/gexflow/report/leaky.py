"""The leaky variant of a dataset in the report: how it is called, why it leaks, how far it is from the clean folds.

It has a badge wherever it stands, ranks nowhere and counts as no dataset.
"""

from collections.abc import Iterable
from typing import Any

from gexflow.report.beside import differences
from gexflow.variants import base_of, is_leaky

MARK = "LEAKY"
WHY = (
    "the published protocol: one split 80/10/10 that parts patients; recipes fitted on all samples, those of the test "
    "part too; adjacent normals, where the source names them, under the tumour's label. "
    "Some of the difference is no leak: it trains on 80 % of the samples and keeps the epoch that is best on 10 %."
)


def called(name: str) -> str:
    """Return a dataset's name with the badge that the leaky variant carries everywhere."""
    return f"{name} ({MARK})" if is_leaky(name) else name


def without_variants(datasets: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the datasets that count as such."""
    return [dataset for dataset in datasets if base_of(dataset["name"]) == dataset["name"]]


def beside_clean(dataset: dict[str, Any], datasets: Iterable[dict[str, Any]]) -> list[str]:
    """Say for each model how far the published protocol is from the clean folds of a dataset, in points of accuracy."""
    variants = [other for other in datasets if is_leaky(other["name"])]
    return differences(dataset, variants, f"published protocol ({MARK})", "clean folds")
