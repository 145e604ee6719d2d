"""From the config and what lies in the results to the tasks of an estimate: sizes of cohorts, settings of jobs."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gexflow.audit_names import PERMUTED, RANDOM_GENES
from gexflow.candidates import inner_folds
from gexflow.estimate import Planned
from gexflow.files import read_json
from gexflow.plan import Plan
from gexflow.site_variants import cohort_owner
from gexflow.variants import base_of, control_of, is_leaky, with_controls
from gexflow.work import Cohort, Task, kept_genes

SAMPLES, GENES, CLASSES = 500, 20_000, 5  # of a cohort of which nothing is known
GENES_OF_SOURCE = {"mendeley": 971}
_REFITS = ("refit_variant", "refit_network")
TABLE_BYTES = 8.3  # a value in a text table


class Study:
    """The config with what is known of its cohorts.

    Parameters
    ----------
    config : dict
        As `load_config` gives it.
    directory : Path
        The folder of the run, with its `results`.

    Attributes
    ----------
    assumed : list of str
        Datasets of which neither results nor config tell the number of samples, as far as they were asked for.
    """

    def __init__(self, config: dict[str, Any], directory: Path):
        self._config = config
        self._results = directory / "results"
        self._models = with_controls(config["models"])
        self._plan = Plan(config, {})
        self._cohorts: dict[str, Cohort] = {}
        self.assumed: list[str] = []

    def planned(self, place: Sequence[str], rule: str, threads: int, on_gpu: bool) -> Planned:
        """Return a job still to run; `place` holds the parts of its log's path below the folder of logs."""
        rule = _plain(rule)
        task = Task(rule, Cohort(0, 0, 0), 1, 0)
        if rule == "download_file":
            task = replace(task, size_bytes=self._download_size(place[-1]))
        elif place[0] in self._datasets():
            task = self._task(place, rule)
        return Planned(task, _model(place), threads, on_gpu)

    def measured(self, place: Sequence[str], manifest: dict[str, Any], seconds: float) -> Planned:
        """Return a job that has run, with the settings and folds that its manifest names."""
        rule = _plain(manifest.get("rule", ""))
        task = Task(rule, Cohort(0, 0, 0), 1, 0)
        if place[0] in self._datasets():
            task = self._task(place, rule)
            settings = manifest.get("settings", {}).get("settings")
            folds = {found for name in manifest.get("outputs", {}) for found in re.findall(r"fold\d+", name)}
            settings = settings if isinstance(settings, dict) else task.settings
            if rule in _REFITS:
                settings = settings.get("model", settings)
            task = replace(task, settings=settings, folds=len(folds) or task.folds)
        on_gpu = not manifest.get("device", "CPU").startswith("CPU")
        return Planned(task, _model(place), 1, on_gpu, seconds)

    def _datasets(self) -> dict[str, dict[str, Any]]:
        names = [*self._config["run"]["datasets"], *self._plan.only_tested]
        variants = ("published", "sites", PERMUTED, RANDOM_GENES)
        all_names = [name for base in names for name in (base, *(f"{base}~{variant}" for variant in variants))]
        return {name: self._config["datasets"][base_of(name)] for name in all_names}

    def _task(self, place: Sequence[str], rule: str) -> Task:
        dataset, cohort = place[0], self._cohort(place[0])
        stage, name = place[1:3] if len(place) > 2 else ("", "")
        entry, settings, recipe = self._datasets()[dataset], {}, ""
        if stage == "recipes":
            recipe = name
            settings = {"order": place[-1].partition(".")[2].partition("-")[0]}  # of lay_out_genes.{layout}
        elif name in self._models:
            recipe = entry.get("recipes", {}).get(base_of(name), self._models[name]["recipe"])
            settings = dict(self._models[name])
            if rule == "refit_network":
                settings.pop("tune", None)  # it is refitted untuned
            if "tune" in settings:
                settings["inner_folds"] = inner_folds(settings, self._config["run"]["validation"])
            if stage == "attribution":
                settings = {"model": settings, "attribution": self._config["attribution"]}
        genes = kept_genes(self._config["recipes"].get(recipe, []), cohort.genes)
        alone = rule in ("finetune_backbone", "run_trunk")
        folds = 1 if alone or dataset in self._plan.only_tested else self._folds(dataset)
        if rule in _REFITS:  # of one repeat, as often as the audit says
            audit = self._config["evaluation"]["audit"]
            count = audit["permutations" if control_of(dataset) == PERMUTED else "random_genes"]
            folds = self._plan.folds_of(base_of(dataset)) * count
        return Task(rule, cohort, folds, genes, settings)

    def _folds(self, dataset: str) -> int:
        return self._plan.fold_count(dataset if dataset in self._plan.datasets else base_of(dataset))

    def _cohort(self, dataset: str) -> Cohort:
        dataset = dataset if is_leaky(dataset) else base_of(dataset)  # what is refitted is the same cohort
        if dataset not in self._cohorts:
            self._cohorts[dataset] = self._read(dataset) or self._expected(dataset)
        return self._cohorts[dataset]

    def _read(self, dataset: str) -> Cohort | None:
        """Return the cohort as its card has it, once it was read."""
        try:
            card = read_json(self._results / cohort_owner(dataset) / "card.json")
            return Cohort(card["samples"], card["genes"], len(card["classes"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _expected(self, dataset: str) -> Cohort:
        entry = self._datasets()[dataset]
        simulate, expected = entry.get("simulate", {}), entry.get("expected") or {}
        genes = GENES_OF_SOURCE.get(entry["source"], GENES)
        if simulate:
            return Cohort(simulate["samples"], simulate["genes"], simulate["classes"])
        if expected:
            return Cohort(sum(expected.values()), genes, len(expected))
        sizes = [file.get("size_bytes", 0) for file in entry.get("files", {}).get("matrix", [])]
        if all(sizes) and sizes:
            return Cohort(round(sum(sizes) / (genes * TABLE_BYTES)), genes, CLASSES)
        self.assumed.append(f"{dataset} ({SAMPLES} samples)")
        return Cohort(SAMPLES, genes, CLASSES)

    def _download_size(self, name: str) -> float | None:
        files = [f for entry in self._datasets().values() for kind in entry.get("files", {}).values() for f in kind]
        return next((f["size_bytes"] for f in files if f.get("name") == name and "size_bytes" in f), None)


def _plain(rule: str) -> str:
    """Return the name of a rule without the number of folds that it may carry."""
    return re.sub(r"_\d+$", "", rule)


def _model(place: Sequence[str]) -> str:
    return place[2] if len(place) > 3 and place[1] in ("models", "attribution") else ""
