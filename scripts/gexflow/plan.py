"""What a study runs: which models on which datasets, in which folds, with which recipes, layouts and weights.

Light: Snakemake reads it at every start and in every job.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

from gexflow.candidates import inner_folds
from gexflow.config_external import only_tested
from gexflow.network_names import REFERENCES, is_image_network
from gexflow.recipe_names import layout_name, learns_nothing
from gexflow.site_variants import is_by_site, with_sites
from gexflow.variants import base_of, control_of, is_leaky, with_controls, with_published


class Plan:
    """The answers that a checked config gives, by the names of datasets and models.

    Parameters
    ----------
    study : dict
        As `load_config` gives it, its files and weights resolved.
    weight_files : {network: {"file": name, "address": text, "sha256": text}}
        Of ImageNet weights, as in `resources/weights.tsv`.

    Attributes
    ----------
    study : dict
    run : dict
        Its part of this name.
    chosen_datasets, chosen_models : {name: settings}
        Those that `run` names, in its order.
    datasets, models : {name: settings}
        The same, each followed by its variants or its controls.
    only_tested : {name: settings}
        Datasets of external tests that `run` does not name: read and predicted, but neither split nor ranked.
    named_datasets, read_datasets : {name: settings}
        These behind `chosen_datasets`, and behind `datasets`.
    image_models : list of str
        Models on images, and their controls.
    """

    def __init__(self, study: dict[str, Any], weight_files: dict[str, dict[str, str]]):
        self.study, self.run = study, study["run"]
        self._weight_files = weight_files
        self.chosen_datasets = {name: study["datasets"][name] for name in self.run["datasets"]}
        self.chosen_models = {name: study["models"][name] for name in self.run["models"]}
        self.datasets = with_sites(with_published(self.chosen_datasets, _on_images(self.chosen_models)))
        self.only_tested = {name: study["datasets"][name] for name in only_tested(study)}
        self.named_datasets = {**self.chosen_datasets, **self.only_tested}
        self.read_datasets = {**self.datasets, **self.only_tested}
        self.models = with_controls(self.chosen_models)
        self.image_models = _on_images(self.models)

    def networks(self, *kinds: str) -> list[str]:
        """Return the models built on one of these networks."""
        return [name for name, model in self.models.items() if model["network"] in kinds]

    # --- datasets: folds, models, recipes

    def fold_count(self, dataset: str) -> int:
        """Return the number of folds of a dataset, over all repeats."""
        return self.folds_of(dataset) * self.repeats_of(dataset)

    def folds_of(self, dataset: str) -> int:
        """Return the folds of one repeat."""
        return self.datasets[dataset].get("folds", self.run["folds"])

    def repeats_of(self, dataset: str) -> int:
        """Return how often the folds of a dataset are drawn anew."""
        return self.datasets[dataset].get("repeats", self.run["repeats"])

    @cached_property
    def fold_counts(self) -> dict[int, list[str]]:
        """The datasets of every number of folds in use."""
        found: dict[int, list[str]] = {}
        for dataset in self.datasets:
            found.setdefault(self.fold_count(dataset), []).append(dataset)
        return found

    def models_of(self, dataset: str) -> list[str]:
        """Return the models that run on a dataset, each followed by its controls; these have no place in a variant."""
        wanted = self.datasets[dataset].get("models", self.chosen_models)
        models = [name for name in self.models if base_of(name) in wanted]
        return [name for name in models if not control_of(name)] if control_of(dataset) else models

    def attributed_models(self, dataset: str) -> list[str]:
        """Return the models of a dataset whose genes are attributed: none of a variant."""
        wanted = [] if control_of(dataset) else self.study["attribution"]["models"]
        return [name for name in self.models_of(dataset) if name in wanted]

    def recipe_of(self, dataset: str, model: str) -> str:
        """Return the recipe that a model, and any control of it, uses on a dataset."""
        return self.datasets[dataset]["recipes"].get(base_of(model), self.models[model]["recipe"])

    def steps_of(self, dataset: str, model: str) -> list[dict[str, Any]]:
        """Return the steps of that recipe."""
        return self.study["recipes"][self.recipe_of(dataset, model)]

    def recipes_of(self, dataset: str) -> list[str]:
        """Return the recipes of a dataset in order of their names."""
        return sorted({self.recipe_of(dataset, model) for model in self.models_of(dataset)})

    def simulated(self, dataset: str) -> bool:
        """Tell a simulated dataset."""
        return "simulate" in self.read_datasets[dataset]

    def simulation_settings(self, dataset: str) -> dict[str, Any]:
        """Return what decides a simulated cohort."""
        return {key: self.read_datasets[dataset][key] for key in ("source", "simulate")}

    def split_settings(self, dataset: str) -> dict[str, Any]:
        """Return how a dataset is split: `protocol` is published, site, or group for the ordinary folds."""
        base = base_of(dataset)
        settings = {"dataset": base, "seed": self.run["seed"]}
        if is_leaky(dataset):
            return {"protocol": self.datasets[dataset]["protocol"], **settings}
        settings["protocol"] = "site" if is_by_site(dataset) else "group"
        settings["min_class_size"] = self.datasets[base]["min_class_size"]
        settings["holdout"] = self.holdout_of(base)
        settings |= {"folds": self.folds_of(dataset), "repeats": self.repeats_of(dataset)}
        return {**settings, "validation": self.run["validation"]}

    def family_settings(self) -> dict[str, Any]:
        """Return the compared datasets and the family of each: its own name, unless the config says otherwise."""
        return _families(self.chosen_datasets)

    def searched_settings(self) -> dict[str, Any]:
        """Return the same of all datasets searched for shared samples, including those only tested, and the tests."""
        tests = [[entry["train"], entry["test"]] for entry in self.study["external"]]
        return {**_families(self.named_datasets), "tests": tests}

    # --- images

    @cached_property
    def layouts(self) -> dict[str, dict[str, Any]]:
        """The settings of every layout in use, by its file name."""
        return {self.layout_of(name): self.models[name]["layout"] for name in self.image_models}

    def layout_of(self, model: str) -> str:
        """Return the file name of the layout of an image network."""
        return layout_name(self.models[model]["layout"])

    def image_sources(self, dataset: str) -> dict[str, tuple[str, str]]:
        """Return recipe and layout of every image network of a dataset, by its name; a variant is not drawn."""
        names = [] if control_of(dataset) else [name for name in self.models_of(dataset) if name in self.image_models]
        return {name: (self.recipe_of(dataset, name), self.layout_of(name)) for name in names}

    def layouts_beside(self, dataset: str, recipe: str, layout: str) -> list[str]:
        """Return the layouts of a figure: the networks' own, then that of their control with shuffled genes."""
        sources, own = self.image_sources(dataset), (recipe, layout)
        shuffled = [name for name in sources if control_of(name) == "shuffled" and sources[base_of(name)] == own]
        return list(dict.fromkeys([layout, *(sources[name][1] for name in shuffled)]))

    def drawn_images(self) -> list[tuple[str, str, str]]:
        """Return dataset, recipe and layout of every figure of images: controls are drawn beside their networks."""
        sources = {name: self.image_sources(name) for name in self.datasets}
        return sorted({(d, *own[model]) for d, own in sources.items() for model in own if not control_of(model)})

    def layout_settings(self, layout: str) -> dict[str, Any]:
        """Return what decides a layout."""
        return {**self.layouts[layout], "seed": self.run["seed"]}

    def image_settings(self, dataset: str, recipe: str, layout: str) -> list[dict[str, Any]]:
        """Return the layouts of a figure of images, as the config has them."""
        return [self.layouts[name] for name in self.layouts_beside(dataset, recipe, layout)]

    def trunk_name(self, dataset: str, model: str) -> str:
        """Return recipe and layout of the images that a network sees, where no fold changes them; "" otherwise."""
        settings = self.models[model]
        learned = not learns_nothing(self.steps_of(dataset, model)) or settings["layout"]["order"] == "correlation"
        own_ends = settings["learn"] == "head" and "head" in settings.get("tune", {})  # the head decides where it ends
        if learned or settings["learn"] == "all" or own_ends:
            return ""
        return f"{self.recipe_of(dataset, model)}.{self.layout_of(model)}"

    # --- models

    def model_settings(self, model: str) -> dict[str, Any]:
        """Return what decides how a model is trained; its recipe and layout reach it as files, its preset as defaults.

        Weights are known by their `sha256`, wherever they come from.
        """
        apart = ("recipe", "preset", "reseed")
        settings = {key: value for key, value in self.models[model].items() if key not in apart}
        if found := self.weights_of(model):
            settings["sha256"] = found["sha256"]
            if isinstance(settings["weights"], dict):
                settings["weights"] = "own"
        if "tune" in settings:
            settings |= {"inner_folds": self.inner_folds_of(model), "inner_seed": self.run["seed"]}
        return {**settings, "seed": self.run["seed"] + self.models[model].get("reseed", 0)}

    def prediction_settings(self, dataset: str, model: str) -> dict[str, Any]:
        """Return what decides how new samples are prepared and predicted."""
        return {"model": self.model_settings(model), "recipe": self.steps_of(dataset, model)}

    def attribution_settings(self, model: str) -> dict[str, Any]:
        """Return what decides how the genes of a network are attributed."""
        how = {key: value for key, value in self.study["attribution"].items() if key != "models"}
        return {"model": self.model_settings(model), "attribution": how, "seed": self.run["seed"]}

    def inner_folds_of(self, model: str) -> int:
        """Return the number of inner folds that choose a model's candidate; 0 for none."""
        return inner_folds(self.models[model], self.run["validation"])

    def weights_of(self, model: str) -> dict[str, str]:
        """Return `address`, `sha256` and `file` (as downloaded) or `path` (a local one) of a model's weights.

        {} for random weights and models without any.
        """
        weights = self.models[model].get("weights", "random")
        if weights == "random":
            return {}
        return self._weight_files[self.models[model]["network"]] if weights == "imagenet" else weights

    @cached_property
    def fetched_weights(self) -> dict[str, dict[str, str]]:
        """The weights that are downloaded, by the names of their files."""
        found = map(self.weights_of, self.models)
        return {weights["file"]: weights for weights in found if weights and "path" not in weights}

    # --- samples that no fold has seen: of a hold-out that is opened, or of another cohort

    def holdout_of(self, dataset: str) -> dict[str, Any]:
        """Return which samples of a dataset are held out; {} for none, and for a dataset that is only tested."""
        if dataset in self.only_tested:
            return {}
        wanted = self.datasets[dataset].get("holdout", {"share": self.run["holdout"]})
        return {} if wanted.get("share") == 0 else wanted

    @cached_property
    def holdouts(self) -> list[str]:
        """The datasets whose hold-out is opened."""
        opened = self.study["evaluation"]["holdout"] == "report"
        return [name for name in self.chosen_datasets if self.holdout_of(name) and opened]

    @cached_property
    def external(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The tests on another cohort, by the dataset of the models and that of the samples."""
        return {(entry["train"], entry["test"]): entry for entry in self.study["external"]}

    def new_places(self) -> list[tuple[str, str]]:
        """Return dataset and place of every hold-out that is open and of every external test."""
        opened = [(dataset, "holdout") for dataset in self.holdouts]
        return opened + [(dataset, f"external/{target}") for dataset, target in self.external]

    def new_models(self, dataset: str, place: str) -> list[str]:
        """Return the models that predict a hold-out, or another cohort (`external/{target}`); controls do not."""
        models = [name for name in self.models_of(dataset) if not control_of(name)]
        if place == "holdout":
            return models
        wanted = self.external[dataset, Path(place).name].get("models", models)
        return [name for name in models if name in wanted]

    # --- report

    def report_settings(self) -> dict[str, Any]:
        """Return what the report says of the config: only what is used."""
        used = sorted({recipe for dataset in self.datasets for recipe in self.recipes_of(dataset)})
        recipes = {name: self.study["recipes"][name] for name in used}
        chosen = {"datasets": self.named_datasets, "models": self.chosen_models, "recipes": recipes}
        models = {dataset: self.models_of(dataset) for dataset in self.datasets}
        return {
            "title": self.study["report"]["title"],
            "top_genes": self.study["report"]["top_genes"],
            "config": {**self.study, **chosen},
            "models": models,
            "only_tested": list(self.only_tested),
            "recipes": {d: {model: self.recipe_of(d, model) for model in names} for d, names in models.items()},
            "layouts": {d: {name: layout for name, (_, layout) in self.image_sources(d).items()} for d in models},
            "reference_models": self.networks(*REFERENCES),
            "image_models": self.image_models,
        }


def _families(datasets: dict[str, dict[str, Any]]) -> dict[str, Any]:
    families = {name: dataset.get("family", name) for name, dataset in datasets.items()}
    return {"datasets": list(datasets), "families": families}


def _on_images(models: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, model in models.items() if is_image_network(model["network"])]
