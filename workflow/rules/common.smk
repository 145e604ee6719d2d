# What the rules share: the checked config, and functions from wildcards to files and settings. No heavy import here:
# this file runs at every start and in every job.
import csv
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

BASE = Path(workflow.basedir)
sys.path.insert(0, str(BASE / "scripts"))

from gexflow.audit_names import LEAKS, PERMUTED, RANDOM_GENES
from gexflow.candidates import inner_folds
from gexflow.config import load_config
from gexflow.config_files import FILE_FACTS, FILE_KINDS, file_origin, merged_entry, resolve_files, resolve_weights
from gexflow.digest import code_digest
from gexflow.errors import InputError
from gexflow.network_names import FITTED, REFERENCES, is_image_network
from gexflow.recipe_names import chooses_genes, layout_name, learns_nothing
from gexflow.site_variants import cohort_owner, is_by_site, with_sites
from gexflow.variants import base_of, control_of, is_leaky, with_controls, with_published


def load_study():
    """Merge config.yaml with the command line's overlays and check it; a mistake ends the start in two lines."""
    settings = workflow.config_settings
    try:
        schema = BASE / "workflow/schemas/config.schema.yaml"
        study = load_config([BASE / "config.yaml", *settings.configfiles], schema, dict(settings.config))
        resolve_files(study)
        resolve_weights(study)
    except InputError as error:
        sys.exit(str(error))
    return study


STUDY = load_study()
RUN = STUDY["run"]
CHOSEN_MODELS = {name: STUDY["models"][name] for name in RUN["models"]}
CHOSEN_DATASETS = {name: STUDY["datasets"][name] for name in RUN["datasets"]}
CHOSEN_IMAGES = [name for name, model in CHOSEN_MODELS.items() if is_image_network(model["network"])]
DATASETS = with_sites(with_published(CHOSEN_DATASETS, CHOSEN_IMAGES))
MODELS = with_controls(CHOSEN_MODELS)
DOWNLOADS = str(BASE / RUN["downloads"])
WEIGHTS = str(BASE / RUN["weights"])
with open(BASE / "resources/weights.tsv") as table:
    WEIGHT_FILES = {row["network"]: row for row in csv.DictReader(table, delimiter="\t")}

COHORT = "results/{dataset}/cohort.h5ad"
FEATURES = "results/{dataset}/recipes/{recipe}/fold{fold}/features.h5ad"
FITTED_RECIPE = "results/{dataset}/recipes/{recipe}/fold{fold}/fitted.h5ad"
LAYOUT = "results/{dataset}/recipes/{recipe}/fold{fold}/layouts/{layout}.tsv"


def canonical(part):
    """Return a part of the config as one string, which changes exactly when the part does."""
    return json.dumps(part, sort_keys=True)


def code(script):
    """Return the digest of a script and of the library code that it imports."""
    return code_digest(BASE / "scripts" / script)


def by_attempt(amount):
    """Return a resource that grows with every attempt, for jobs that ran out of it."""
    return lambda wildcards, attempt: amount * attempt


def one_of(names):
    """Return a wildcard constraint that takes these names and no others."""
    return "|".join(map(re.escape, names)) or "(?!)"


def networks(*kinds):
    """Return the selected models built on one of these networks."""
    return [name for name, model in MODELS.items() if model["network"] in kinds]


def image_models():
    """Return the selected models on images."""
    return [name for name, model in MODELS.items() if is_image_network(model["network"])]


# --- datasets: folds, models, recipes


def fold_count(dataset):
    """Return the number of folds of a dataset, over all repeats."""
    return folds_of(dataset) * repeats_of(dataset)


def folds_of(dataset):
    """Return the folds of one repeat."""
    return DATASETS[dataset].get("folds", RUN["folds"])


def repeats_of(dataset):
    """Return how often the folds of a dataset are drawn anew."""
    return DATASETS[dataset].get("repeats", RUN["repeats"])


def models_of(dataset):
    """Return the models that run on a dataset, each followed by its controls; these have no place in a variant."""
    models = [name for name in MODELS if base_of(name) in DATASETS[dataset].get("models", CHOSEN_MODELS)]
    return [name for name in models if not control_of(name)] if control_of(dataset) else models


def attributed_models(dataset):
    """Return the models of a dataset whose genes are attributed: none of a variant."""
    wanted = [] if control_of(dataset) else STUDY["attribution"]["models"]
    return [name for name in models_of(dataset) if name in wanted]


def recipe_of(dataset, model):
    """Return the recipe that a model, and any control of it, uses on a dataset."""
    return DATASETS[dataset]["recipes"].get(base_of(model), MODELS[model]["recipe"])


def simulated(dataset):
    """Tell a simulated dataset."""
    return "simulate" in DATASETS[dataset]


# A job has a fixed number of outputs, so what treats all folds at once exists for every number of folds in use.
FOLD_COUNTS = {}
for dataset in DATASETS:
    FOLD_COUNTS.setdefault(fold_count(dataset), []).append(dataset)


def fold_rule(name, count):
    """Name the job for datasets with `count` folds: plainly for the number of folds of the study."""
    return name if count == RUN["folds"] * RUN["repeats"] else f"{name}_{count}"


def every_fold(pattern, count):
    """Return a pattern once a fold, other wildcards left open."""
    return expand(pattern, fold=range(1, count + 1), allow_missing=True)


def over_folds(pattern, wildcards, **names):
    """Return the paths of a pattern over all folds of the dataset."""
    folds = range(1, fold_count(wildcards.dataset) + 1)
    return expand(pattern, fold=folds, dataset=wildcards.dataset, **names)


# --- cohorts


def cohort_file(wildcards):
    """Return the cohort of a dataset; folds by site are made of the ordinary one's."""
    return COHORT.format(dataset=cohort_owner(wildcards.dataset))


def source_file(dataset, kind):
    """Return the local paths of a dataset's files of a kind: matrix, labels or annotation."""
    if simulated(dataset):
        wanted = kind == "matrix" or (kind == "labels" and DATASETS[dataset]["source"] == "tcga")
        return [f"results/{base_of(dataset)}/simulated/{kind}"] if wanted else []
    return [entry["path"] if "path" in entry else download_path(dataset, entry) for entry in entries_of(dataset, kind)]


def entries_of(dataset, kind):
    """Return the config's entries of a dataset's files of a kind."""
    return DATASETS[dataset].get("files", {}).get(kind, [])


def download_path(dataset, entry):
    """Return where a download is kept, shared by all datasets that name it."""
    return f"{DOWNLOADS}/{DATASETS[dataset]['source']}/{entry['name']}"


def remote_files():
    """Return what all datasets together know of each download, by its path."""
    found = {}
    for dataset in DATASETS:
        for entry in (entry for kind in FILE_KINDS for entry in entries_of(dataset, kind) if "path" not in entry):
            path = download_path(dataset, entry)
            found[path] = merged_entry(found.get(path, {}), entry)
    return found


REMOTE_FILES = remote_files()
SOURCES = sorted({dataset["source"] for dataset in DATASETS.values()})


def download_address(wildcards):
    """Return where a file comes from: the one setting whose change makes it be downloaded again."""
    return file_origin(REMOTE_FILES[f"{DOWNLOADS}/{wildcards.source}/{wildcards.file}"])


def download_details(wildcards, output):
    """Return how to fetch a file, for the script.

    Snakemake ignores a change of what is derived from `output`: another mirror or a checksum that was learnt later
    downloads nothing again. Checksums reach read_cohort as well, which checks the file.
    """
    entry = REMOTE_FILES[output[0]]
    addresses = [entry["address"]] if "address" in entry else []
    return details_of([*addresses, *entry.get("mirrors", [])], checksums(entry), entry.get("listing", ""))


def details_of(addresses, expected, listing=""):
    return canonical({"addresses": addresses, "expected": expected, "listing": listing})


def checksums(entry):
    """Return what is published of a file's content: size and checksums, those that the config names."""
    return {key: entry[key] for key in FILE_FACTS if key in entry}


def matrix_files(wildcards):
    return source_file(wildcards.dataset, "matrix")


def label_files(wildcards):
    return source_file(wildcards.dataset, "labels")


def annotation_files(wildcards):
    return source_file(wildcards.dataset, "annotation")


def site_table(wildcards):
    """Return the institutions of TCGA's tissue source sites; a simulated cohort's codes are invented."""
    genuine = DATASETS[wildcards.dataset]["source"] == "tcga" and not simulated(wildcards.dataset)
    return [str(BASE / "resources/tcga_sites.tsv")] if genuine else []


def simulation_settings(wildcards):
    dataset = DATASETS[wildcards.dataset]
    return canonical({"source": dataset["source"], "simulate": dataset["simulate"]})


def reading_settings(wildcards):
    """Return what decides how a cohort is read, and the addresses that its card shows."""
    dataset = DATASETS[wildcards.dataset]
    other = (
        "title",
        "files",
        "simulate",
        "models",
        "recipes",
        "family",
        "expected",
        "tried_on",
        "variants",
        "published",
    )
    other += ("folds", "repeats", "holdout")
    settings = {key: value for key, value in dataset.items() if key not in other}
    addresses, expected = {}, {}
    for kind in FILE_KINDS:
        entries, count = entries_of(wildcards.dataset, kind), len(source_file(wildcards.dataset, kind))
        addresses[kind] = [file_origin(entry) for entry in entries] or ["simulated"] * count
        expected[kind] = [checksums(entry) for entry in entries] or [{}] * count
    dataset = base_of(wildcards.dataset)  # messages name the config's keys
    return canonical({"dataset": dataset, **settings, "addresses": addresses, "checksums": expected})


def expected_classes(wildcards, output):
    """Return the expected samples of each class, for the log; as with `download_details`, no change reads again."""
    return canonical(DATASETS[wildcards.dataset].get("expected", {}))


def family_settings(wildcards):
    """Return the compared datasets and the family of each: its own name, unless the config says otherwise."""
    families = {name: dataset.get("family", name) for name, dataset in CHOSEN_DATASETS.items()}
    return canonical({"datasets": list(CHOSEN_DATASETS), "families": families})


def split_settings(wildcards):
    """Return how a dataset is split: `protocol` is published, site, or group for the ordinary folds."""
    dataset = base_of(wildcards.dataset)
    settings = {"dataset": dataset, "seed": RUN["seed"]}
    if is_leaky(wildcards.dataset):
        return canonical({"protocol": DATASETS[wildcards.dataset]["protocol"], **settings})
    settings["protocol"] = "site" if is_by_site(wildcards.dataset) else "group"
    settings["min_class_size"] = DATASETS[dataset]["min_class_size"]
    settings["holdout"] = holdout_of(dataset)
    settings |= {"folds": folds_of(dataset), "repeats": repeats_of(dataset), "validation": RUN["validation"]}
    return canonical(settings)


def holdout_of(dataset):
    """Return which samples of a dataset are held out; {} for none."""
    wanted = DATASETS[dataset].get("holdout", {"share": RUN["holdout"]})
    return {} if wanted.get("share") == 0 else wanted


# --- recipes


def recipe_settings(wildcards):
    return canonical(STUDY["recipes"][wildcards.recipe])


def fitted_on(wildcards):
    """Return which samples of a fold a recipe is fitted on: `train`; `all` in the leaky variant and nowhere else."""
    return "all" if is_leaky(wildcards.dataset) else "train"


def all_features(wildcards):
    return over_folds(FEATURES, wildcards, recipe=wildcards.recipe)


LAYOUTS = {layout_name(MODELS[name]["layout"]): MODELS[name]["layout"] for name in image_models()}


def layout_settings(wildcards):
    return canonical({**LAYOUTS[wildcards.layout], "seed": RUN["seed"]})


def image_sources(dataset):
    """Return recipe and layout of every image network of a dataset, by its name; a variant is not drawn."""
    names = [] if control_of(dataset) else [name for name in models_of(dataset) if name in image_models()]
    return {name: (recipe_of(dataset, name), layout_name(MODELS[name]["layout"])) for name in names}


def first_features(wildcards):
    """Return the features of the first fold."""
    return FEATURES.format(fold=1, **wildcards)


def layouts_beside(wildcards):
    """Return the layouts of a figure of images: the networks' own, then that of their control with shuffled genes."""
    sources, own = image_sources(wildcards.dataset), (wildcards.recipe, wildcards.layout)
    shuffled = [name for name in sources if control_of(name) == "shuffled" and sources[base_of(name)] == own]
    return list(dict.fromkeys([wildcards.layout, *(sources[name][1] for name in shuffled)]))


def drawn_layouts(wildcards):
    names = {"dataset": wildcards.dataset, "recipe": wildcards.recipe, "fold": 1}
    return [LAYOUT.format(layout=layout, **names) for layout in layouts_beside(wildcards)]


def image_settings(wildcards):
    return canonical([LAYOUTS[layout] for layout in layouts_beside(wildcards)])


# --- models


def model_settings(wildcards):
    """Return what decides how a model is trained; its recipe and layout reach it as files, its preset as defaults."""
    model = {key: value for key, value in MODELS[wildcards.model].items() if key not in ("recipe", "preset")}
    if found := weights_file(wildcards.model):
        model["sha256"] = found["sha256"]
        if isinstance(model["weights"], dict):
            model["weights"] = "own"  # wherever they come from
    if "tune" in model:
        model["inner_folds"] = inner_folds(model, RUN["validation"])
    return canonical({**model, "seed": RUN["seed"]})


def model_features(wildcards):
    """Return the features of all folds that a model learns from."""
    return over_folds(FEATURES, wildcards, recipe=recipe_of(wildcards.dataset, wildcards.model))


def tuning_inputs(wildcards):
    """Return cohort and splits for a model that is tuned in inner folds, which refit its recipe; none for others."""
    if not inner_folds(MODELS[wildcards.model], RUN["validation"]):
        return []
    return [cohort_file(wildcards), f"results/{wildcards.dataset}/splits.tsv"]


def tuning_recipe(wildcards):
    """Return the recipe that inner folds refit; "" for a model without any."""
    steps = STUDY["recipes"][recipe_of(wildcards.dataset, wildcards.model)]
    return canonical(steps) if tuning_inputs(wildcards) else ""


def fold_features(wildcards):
    """Return the features of one fold that a model learns from."""
    return FEATURES.format(recipe=recipe_of(wildcards.dataset, wildcards.model), **wildcards)


def fold_layout(wildcards):
    """Return the layout of an image network in one fold."""
    layout = layout_name(MODELS[wildcards.model]["layout"])
    return LAYOUT.format(recipe=recipe_of(wildcards.dataset, wildcards.model), layout=layout, **wildcards)


def trunk_name(dataset, name):
    """Return recipe and layout of the images that an image network sees, where no fold changes them; "" otherwise."""
    model, recipe = MODELS[name], recipe_of(dataset, name)
    if (
        not learns_nothing(STUDY["recipes"][recipe])
        or model["layout"]["order"] == "correlation"
        or model["learn"] == "all"
    ):
        return ""
    return f"{recipe}.{layout_name(model['layout'])}"


def shared_trunk(wildcards):
    """Return what the frozen layers give in all folds, where no fold changes the images; none otherwise."""
    name = trunk_name(wildcards.dataset, wildcards.model)
    path = f"results/{wildcards.dataset}/models/{wildcards.model}/trunk/{name}"
    return [f"{path}.bin", f"{path}.json"] if name else []


def model_layouts(wildcards):
    """Return the layouts of an image network in all folds; none for other models."""
    if wildcards.model not in image_models():
        return []
    layout = layout_name(MODELS[wildcards.model]["layout"])
    return over_folds(LAYOUT, wildcards, recipe=recipe_of(wildcards.dataset, wildcards.model), layout=layout)


def model_fitted(wildcards):
    """Return the fitted recipes of all folds that a model learns from."""
    return over_folds(FITTED_RECIPE, wildcards, recipe=recipe_of(wildcards.dataset, wildcards.model))


def model_files(wildcards):
    """Return the weights of a network in all folds; none of a reference model, which keeps none."""
    return [] if wildcards.model in networks(*FITTED) else trained_networks(wildcards)


def model_facts(wildcards):
    """Return what training said of each fold: for a tuned model, which candidate it chose."""
    path = "results/{dataset}/models/{model}/fold{fold}/training.json"
    return over_folds(path, wildcards, model=wildcards.model)


def prediction_settings(wildcards):
    """Return what decides how new samples are prepared and predicted."""
    model = json.loads(model_settings(wildcards))
    return canonical({"model": model, "recipe": STUDY["recipes"][recipe_of(wildcards.dataset, wildcards.model)]})


# Samples that no fold has seen: of a hold-out that is opened, or of another cohort.
HOLDOUTS = [name for name in CHOSEN_DATASETS if holdout_of(name) and STUDY["evaluation"]["holdout"] == "report"]
EXTERNAL = {(entry["train"], entry["test"]): entry for entry in STUDY["external"]}


def target_cohort(wildcards):
    return COHORT.format(dataset=wildcards.target)


def target_splits(wildcards):
    """Return the splits of another cohort where it has a hold-out, which stays out of this test, too."""
    return [f"results/{wildcards.target}/splits.tsv"] if holdout_of(wildcards.target) else []


def new_models(dataset, place):
    """Return the models that predict a hold-out, or another cohort (`external/{target}`); controls do not."""
    models = [name for name in models_of(dataset) if not control_of(name)]
    if place == "holdout":
        return models
    wanted = EXTERNAL[dataset, Path(place).name].get("models", models)
    return [name for name in models if name in wanted]


def new_predictions(wildcards):
    """Return the predictions of new samples, model by model."""
    models = new_models(wildcards.dataset, wildcards.place)
    return expand("results/{dataset}/{place}/{model}/predictions.tsv", model=models, **wildcards)


def new_score_settings(wildcards):
    return canonical({"models": new_models(wildcards.dataset, wildcards.place)})


def opening_settings(wildcards):
    """Return all that decides what is seen of a hold-out once it is open."""
    models = new_models(wildcards.dataset, "holdout")
    seen = {name: SimpleNamespace(dataset=wildcards.dataset, model=name) for name in models}
    settings = {name: json.loads(prediction_settings(model)) for name, model in seen.items()}
    split, reading = json.loads(split_settings(wildcards)), json.loads(reading_settings(wildcards))
    return canonical({"reading": reading, "split": split, "models": settings})


def of_new(name):
    """Return a file of every hold-out that is open, and of every external test."""
    places = [(dataset, "holdout") for dataset in HOLDOUTS] + [(d, f"external/{target}") for d, target in EXTERNAL]
    return [f"results/{dataset}/{place}/{name}" for dataset, place in places]


def of_external_models(name):
    """Return a file of every model of every external test."""
    pairs = [(d, target, model) for d, target in EXTERNAL for model in new_models(d, f"external/{target}")]
    return [f"results/{dataset}/external/{target}/{model}/{name}" for dataset, target, model in pairs]


def weights_file(name):
    """Return address, sha256 and path of a model's pretrained weights; none for random weights and other models."""
    model = MODELS[name]
    weights = model.get("weights", "random")
    if weights == "random":
        return {}
    found = WEIGHT_FILES[model["network"]] if weights == "imagenet" else weights
    path = found["path"] if "path" in found else f"{WEIGHTS}/{found['file']}"
    return {"address": found["address"], "sha256": found["sha256"], "path": path, "local": "path" in found}


def model_weights(wildcards):
    """Return the file of pretrained weights, as the input of a job."""
    found = weights_file(wildcards.model)
    return [found["path"]] if found else []


FETCHED_WEIGHTS = {found["path"]: found for found in map(weights_file, MODELS) if found and not found["local"]}


def weights_row(wildcards):
    return FETCHED_WEIGHTS[f"{WEIGHTS}/{wildcards.file}"]


def weights_address(wildcards):
    return weights_row(wildcards)["address"]


def weights_details(wildcards, output):
    """Return how to fetch weights, for the script; as with `download_details`, no change of it fetches them again."""
    row = weights_row(wildcards)
    return details_of([row["address"]], {"sha256": row["sha256"]})


# --- evaluation, attribution, report


def all_predictions(wildcards):
    """Return the predictions of all models of a dataset, model by model."""
    return [
        path
        for model in models_of(wildcards.dataset)
        for path in over_folds("results/{dataset}/models/{model}/fold{fold}/predictions.tsv", wildcards, model=model)
    ]


def score_settings(wildcards):
    dataset = wildcards.dataset
    models, reference = models_of(dataset), STUDY["evaluation"]["reference"]
    settings = {"repeats": repeats_of(dataset), "validation": RUN["validation"], "seed": RUN["seed"]}
    settings["reference"] = reference if reference in models else ""
    settings["merge"] = DATASETS[dataset]["merge"]
    return canonical({"models": models, "folds": folds_of(dataset), **settings})


AUDIT = STUDY["evaluation"]["audit"]
AUDITED = [name for name in AUDIT["models"] if name in CHOSEN_MODELS]
REFITTED = (PERMUTED, RANDOM_GENES)


def audited_models(dataset):
    """Return the models that the audit refits on a dataset."""
    return [name for name in AUDITED if name in models_of(dataset)]


def recipes_of(dataset):
    """Return the recipes of a dataset in order of their names."""
    return sorted({recipe_of(dataset, model) for model in models_of(dataset)})


def refit_settings(dataset, model):
    """Return what decides a refit: recipe, model and folds. A change of another model is none of it.

    A tuned model is refitted with its entry's own values: inner folds for every permutation would take four times as
    long, and what may leak is the recipe.
    """
    how = {"folds": folds_of(dataset), "seed": RUN["seed"], "validation": RUN["validation"]}
    own = {key: value for key, value in MODELS[model].items() if key not in ("recipe", "preset", "tune")}
    how["model"] = {**own, "seed": RUN["seed"]}
    return {**how, "steps": STUDY["recipes"][recipe_of(dataset, model)]}


def variant_settings(wildcards):
    count = AUDIT["permutations" if wildcards.variant == PERMUTED else "random_genes"]
    return canonical({**refit_settings(wildcards.dataset, wildcards.model), "count": count})


def variant_summary(wildcards):
    """Return what says how many genes a recipe keeps, for as many random ones."""
    path = f"results/{wildcards.dataset}/recipes/{recipe_of(wildcards.dataset, wildcards.model)}/summary.tsv"
    return [path] if wildcards.variant == RANDOM_GENES else []


def leaking_model(dataset):
    """Return the reference model into whose pipeline leaks are planted; "" where none is audited."""
    return next((name for name in audited_models(dataset) if name in networks(*FITTED)), "")


def leak_settings(wildcards):
    model = leaking_model(wildcards.dataset)
    return canonical({**refit_settings(wildcards.dataset, model), "name": model, "count": AUDIT["permutations"]})


def refitted_models(dataset, variant):
    """Return the models whose refits of a kind are asked for; random genes only where a recipe chooses any."""
    if not AUDIT["permutations" if variant == PERMUTED else "random_genes"]:
        return []
    models = audited_models(dataset)
    chosen = {model: chooses_genes(STUDY["recipes"][recipe_of(dataset, model)]) for model in models}
    return [model for model in models if variant == PERMUTED or chosen[model]]


def refit_job(model):
    """Return the rule that refits a model."""
    return "refit_variant" if model in networks(*FITTED) else "refit_network"


def variant_files(dataset, variant):
    """Return the draws of a variant, one table a model."""
    models = refitted_models(dataset, variant)
    return [f"results/{dataset}~{variant}/evaluation/{model}/draws.tsv" for model in models]


def permuted_variants(wildcards):
    return variant_files(wildcards.dataset, PERMUTED)


def random_variants(wildcards):
    return variant_files(wildcards.dataset, RANDOM_GENES)


def leaks_of(dataset):
    """Return the leaks that are planted into a dataset."""
    wanted = AUDIT["planted_leaks"] and AUDIT["permutations"] and leaking_model(dataset)
    return list(LEAKS) if wanted else []


def planted_leaks(wildcards):
    return [f"results/{wildcards.dataset}~{leak}/evaluation/audit.tsv" for leak in leaks_of(wildcards.dataset)]


def audited_recipes(wildcards):
    """Return what every recipe of a dataset learned in the first fold."""
    path = "results/{dataset}/recipes/{recipe}/fold1/fitted.h5ad"
    return expand(path, dataset=wildcards.dataset, recipe=recipes_of(wildcards.dataset))


def audited_predictions(wildcards):
    return [
        path
        for model in audited_models(wildcards.dataset)
        for path in over_folds("results/{dataset}/models/{model}/fold{fold}/predictions.tsv", wildcards, model=model)
    ]


def audit_settings(wildcards):
    dataset = wildcards.dataset
    settings = {"models": audited_models(dataset), "leaks": leaks_of(dataset), "strict": AUDIT["strict"]}
    settings |= {variant: refitted_models(dataset, variant) for variant in REFITTED}
    settings["recipes"] = {name: STUDY["recipes"][name] for name in recipes_of(dataset)}
    return canonical({**settings, "folds": folds_of(dataset), "repeats": repeats_of(dataset), "seed": RUN["seed"]})


def attribution_settings(wildcards):
    how = {key: value for key, value in STUDY["attribution"].items() if key != "models"}
    return canonical({"model": json.loads(model_settings(wildcards)), "attribution": how, "seed": RUN["seed"]})


def trained_networks(wildcards):
    return over_folds("results/{dataset}/models/{model}/fold{fold}/model.safetensors", wildcards, model=wildcards.model)


def attributed_folds(wildcards):
    return over_folds("results/{dataset}/attribution/{model}/fold{fold}.h5ad", wildcards, model=wildcards.model)


def truth_file(wildcards):
    """Return the truth of a simulated cohort; none for a real one."""
    return [f"results/{wildcards.dataset}/simulated/truth.json"] if simulated(wildcards.dataset) else []


def of_datasets(pattern):
    """Return a pattern once a dataset."""
    return expand(pattern, dataset=DATASETS)


def of_cohorts(pattern):
    """Return a pattern once a cohort: folds by site have the ordinary dataset's."""
    return expand(pattern, dataset=dict.fromkeys(map(cohort_owner, DATASETS)))


def of_ranked(pattern):
    """Return a pattern once a dataset that is compared with others: not for leaky ones."""
    return expand(pattern, dataset=CHOSEN_DATASETS)


def of_attributed(name, only_simulated=False):
    """Return a file of the attribution stage once for each dataset and attributed model."""
    return [
        f"results/{dataset}/attribution/{model}/{name}"
        for dataset in DATASETS
        if simulated(dataset) or not only_simulated
        for model in attributed_models(dataset)
    ]


def of_trained(name, only_networks=False):
    """Return a file of every training of every model, or of every network."""
    return [
        path
        for dataset in DATASETS
        for model in models_of(dataset)
        if not (only_networks and model in networks(*FITTED))
        for path in expand(
            f"results/{{dataset}}/models/{{model}}/fold{{fold}}/{name}",
            dataset=dataset,
            model=model,
            fold=range(1, fold_count(dataset) + 1),
        )
    ]


def of_recipes(name):
    """Return a file of every recipe that a dataset uses."""
    used = {(dataset, recipe_of(dataset, model)) for dataset in DATASETS for model in models_of(dataset)}
    return [f"results/{dataset}/recipes/{recipe}/{name}" for dataset, recipe in sorted(used)]


def of_images():
    """Return the figures of samples as image networks see them: one a dataset, recipe and layout."""
    sources = {(d, *source) for d in DATASETS for name, source in image_sources(d).items() if base_of(name) == name}
    return [f"results/{dataset}/recipes/{recipe}/images/{layout}.svg" for dataset, recipe, layout in sorted(sources)]


def benchmark_files(wildcards, output):
    """Return the benchmark file of every job behind the report that has one, for the table of cost.

    They are no inputs: figures that are gone are said, not made again. As with `download_details`, no change of this
    list reruns the report.
    """
    jobs = [f"{dataset}/simulate_cohort" for dataset in CHOSEN_DATASETS if simulated(dataset)]
    for dataset in DATASETS:
        models = models_of(dataset)
        jobs += [f"{dataset}/evaluation/score_cohort"] + [f"{dataset}/read_cohort"] * (not is_by_site(dataset))
        jobs += [f"{dataset}/recipes/{name}" for name in recipe_jobs(dataset)]
        jobs += [f"{dataset}/models/{model}/{name}" for model in models for name in model_jobs(dataset, model)]
        jobs += [f"{dataset}/attribution/{model}/attribute_genes" for model in attributed_models(dataset)]
    for dataset in CHOSEN_DATASETS:
        refits = [(variant, model) for variant in REFITTED for model in refitted_models(dataset, variant)]
        jobs += [f"{dataset}~{variant}/evaluation/{model}/{refit_job(model)}" for variant, model in refits]
        jobs += [f"{dataset}~{leak}/evaluation/audit_leak" for leak in leaks_of(dataset)]
        jobs += [f"{dataset}/evaluation/audit_cohort"]
    return [f"results/benchmarks/{job}.tsv" for job in jobs]


def recipe_jobs(dataset):
    """Return the jobs of the recipes of a dataset, and of the layouts on them."""
    recipes = {model: recipe_of(dataset, model) for model in models_of(dataset)}
    layouts = {model: layout_name(MODELS[model]["layout"]) for model in recipes if model in image_models()}
    prepared = [f"{recipe}/prepare_folds" for recipe in recipes.values()]
    laid_out = [f"{recipes[model]}/lay_out_genes.{layout}" for model, layout in layouts.items()]
    return sorted({*prepared, *laid_out})


def model_jobs(dataset, model):
    """Return the jobs that train a model on a dataset."""
    if model in image_models():
        shared = trunk_name(dataset, model)
        folds = [f"fold{fold}/finetune_backbone" for fold in range(1, fold_count(dataset) + 1)]
        return ([f"run_trunk.{shared}"] if shared else []) + folds
    return ["fit_reference" if model in networks(*FITTED) else "train_gexpnet"]


def drawing_settings(wildcards):
    return canonical({"heatmap_genes": STUDY["report"]["heatmap_genes"]})


def report_settings(wildcards):
    """Return what the report says of the config: only what is used."""
    used = {recipe_of(dataset, model) for dataset in DATASETS for model in models_of(dataset)}
    recipes = {name: STUDY["recipes"][name] for name in sorted(used)}
    shown = {**STUDY, "datasets": CHOSEN_DATASETS, "models": CHOSEN_MODELS, "recipes": recipes}
    return canonical(
        {
            "title": STUDY["report"]["title"],
            "top_genes": STUDY["report"]["top_genes"],
            "config": shown,
            "models": {dataset: models_of(dataset) for dataset in DATASETS},
            "recipes": {d: {model: recipe_of(d, model) for model in models_of(d)} for d in DATASETS},
            "layouts": {d: {name: layout for name, (_, layout) in image_sources(d).items()} for d in DATASETS},
            "reference_models": networks(*REFERENCES),
            "image_models": image_models(),
        }
    )
