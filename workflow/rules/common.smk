# What the rules share: the checked config, and functions from wildcards to files and settings; the answers behind them
# are the library's plan*.py. No heavy import here: this file runs at every start and in every job.
import csv
import json
import re
import sys
from pathlib import Path

BASE = Path(workflow.basedir)
NOTES = Path(".snakemake/gexflow")
sys.path.insert(0, str(BASE / "scripts"))

from gexflow.audit_names import LEAKS, PERMUTED, RANDOM_GENES
from gexflow.brace_paths import check_folders, link_files
from gexflow.config import load_config
from gexflow.config_files import file_origin, resolve_files, resolve_weights
from gexflow.digest import code_digest
from gexflow.errors import InputError
from gexflow.frozen import began, begin
from gexflow.network_names import FITTED
from gexflow.plan import Plan
from gexflow.plan_audit import REFITTED, AuditPlan
from gexflow.plan_files import checksums, downloads_of, entries_of, reading_of, simulated_kinds
from gexflow.plan_jobs import costly_jobs
from gexflow.site_variants import cohort_owner
from gexflow.variants import base_of, is_leaky


def load_study():
    """Merge config.yaml with the command line's overlays and check it; a mistake ends the start in two lines.

    A job on a cluster takes the study as it was when its run began, and the digests of the code.
    """
    settings = workflow.config_settings
    try:
        if (workflow.remote_exec or workflow.subprocess_exec) and (run := began()):
            return run["study"], run["codes"]
        schema = BASE / "workflow/schemas/config.schema.yaml"
        study = load_config([BASE / "config.yaml", *settings.configfiles], schema, dict(settings.config))
        check_folders(BASE, study["run"])
        resolve_files(study)
        resolve_weights(study)
        link_files(study, NOTES)
    except InputError as error:
        sys.exit(str(error))
    codes = {path.name: code_digest(path) for path in sorted((BASE / "scripts").glob("*.py"))}
    begin(study, codes, NOTES)
    return study, codes


STUDY, CODES = load_study()
RUN = STUDY["run"]
DOWNLOADS = str(BASE / RUN["downloads"])
WEIGHTS = str(BASE / RUN["weights"])
with open(BASE / "resources/weights.tsv") as table:
    WEIGHT_FILES = {row["network"]: row for row in csv.DictReader(table, delimiter="\t")}

PLAN = Plan(STUDY, WEIGHT_FILES)
AUDIT = AuditPlan(PLAN)
REMOTE_FILES = downloads_of(PLAN.read_datasets)
SOURCES = sorted({dataset["source"] for dataset in PLAN.read_datasets.values()})

COHORT = "results/{dataset}/cohort.h5ad"
FEATURES = "results/{dataset}/recipes/{recipe}/fold{fold}/features.h5ad"
FITTED_RECIPE = "results/{dataset}/recipes/{recipe}/fold{fold}/fitted.h5ad"
PREDICTIONS = "results/{dataset}/models/{model}/fold{fold}/predictions.tsv"
LAYOUT = "results/{dataset}/recipes/{recipe}/fold{fold}/layouts/{layout}.tsv"


def canonical(part):
    """Return a part of the config as one string, which changes exactly when the part does."""
    return json.dumps(part, sort_keys=True)


def code(script):
    """Return the digest of a script and of the library code that it imports."""
    return CODES[script]


def by_attempt(amount):
    """Return a resource that grows with every attempt, for jobs that ran out of it."""
    return lambda wildcards, attempt: amount * attempt


def one_of(names):
    """Return a wildcard constraint that takes these names and no others."""
    return "|".join(map(re.escape, names)) or "(?!)"


# A job has a fixed number of outputs, so what treats all folds at once exists for every number of folds in use.
def fold_rule(name, count):
    """Name the job for datasets with `count` folds: plainly for the number of folds of the study."""
    return name if count == RUN["folds"] * RUN["repeats"] else f"{name}_{count}"


def every_fold(pattern, count):
    """Return a pattern once per fold, other wildcards left open."""
    return expand(pattern, fold=range(1, count + 1), allow_missing=True)


def over_folds(pattern, wildcards, **names):
    """Return the paths of a pattern over all folds of the dataset; with many models, model by model."""
    folds = range(1, PLAN.fold_count(wildcards.dataset) + 1)
    return expand(pattern, dataset=wildcards.dataset, **names, fold=folds)


# --- what decides a job, where the plan says it


def settings_from(answer, *names):
    """Return the function that asks for an answer by these wildcards and gives it as one string."""
    return lambda wildcards: canonical(answer(*(getattr(wildcards, name) for name in names)))


simulation_settings = settings_from(PLAN.simulation_settings, "dataset")
family_settings = settings_from(PLAN.family_settings)
searched_settings = settings_from(PLAN.searched_settings)
split_settings = settings_from(PLAN.split_settings, "dataset")
layout_settings = settings_from(PLAN.layout_settings, "layout")
image_settings = settings_from(PLAN.image_settings, "dataset", "recipe", "layout")
model_settings = settings_from(PLAN.model_settings, "model")
prediction_settings = settings_from(PLAN.prediction_settings, "dataset", "model")
variant_settings = settings_from(AUDIT.variant_settings, "dataset", "variant", "model")
leak_settings = settings_from(AUDIT.leak_settings, "dataset")
audit_settings = settings_from(AUDIT.settings_of, "dataset")
attribution_settings = settings_from(PLAN.attribution_settings, "model")
report_settings = settings_from(PLAN.report_settings)


# --- cohorts


def cohort_file(wildcards):
    """Return the cohort of a dataset; folds by site are made of the ordinary one's."""
    return COHORT.format(dataset=cohort_owner(wildcards.dataset))


def source_files(kind):
    """Return the function that gives the local paths of a dataset's files of a kind: matrix, labels or annotation."""

    def paths(wildcards):
        dataset = PLAN.read_datasets[wildcards.dataset]
        if kind in simulated_kinds(dataset):
            return [f"results/{base_of(wildcards.dataset)}/simulated/{kind}"]
        folder = f"{DOWNLOADS}/{dataset['source']}"  # shared by all datasets that name a download
        return [entry.get("path") or f"{folder}/{entry['name']}" for entry in entries_of(dataset, kind)]

    return paths


def download_address(wildcards):
    """Return where a file comes from: the one setting whose change makes it be downloaded again."""
    return file_origin(REMOTE_FILES[wildcards.source, wildcards.file])


def download_details(wildcards, output):
    """Return how to fetch a file, for the script.

    Snakemake ignores a change of what is derived from `output`: another mirror or a checksum that was learnt later
    downloads nothing again. Checksums reach read_cohort as well, which checks the file.
    """
    entry = REMOTE_FILES[wildcards.source, wildcards.file]
    addresses = [entry["address"]] if "address" in entry else []
    return details_of([*addresses, *entry.get("mirrors", [])], checksums(entry), entry.get("listing", ""))


def details_of(addresses, expected, listing=""):
    return canonical({"addresses": addresses, "expected": expected, "listing": listing})


def site_table(wildcards):
    """Return the institutions of TCGA's tissue source sites; a simulated cohort's codes are invented."""
    dataset = wildcards.dataset
    genuine = PLAN.read_datasets[dataset]["source"] == "tcga" and not PLAN.simulated(dataset)
    return [str(BASE / "resources/tcga_sites.tsv")] if genuine else []


def reading_settings(wildcards):
    return canonical(reading_of(wildcards.dataset, PLAN.read_datasets[wildcards.dataset]))


def expected_classes(wildcards, output):
    """Return the expected samples of each class, for the log; as with `download_details`, no change reads again."""
    return canonical(PLAN.read_datasets[wildcards.dataset].get("expected", {}))


# --- recipes


def recipe_settings(wildcards):
    return canonical(STUDY["recipes"][wildcards.recipe])


def fitted_on(wildcards):
    """Return which samples of a fold a recipe is fitted on: `train`; `all` in the leaky variant and nowhere else."""
    return "all" if is_leaky(wildcards.dataset) else "train"


def drawn_layouts(wildcards):
    layouts = PLAN.layouts_beside(**wildcards)
    return expand(LAYOUT, dataset=wildcards.dataset, recipe=wildcards.recipe, fold=1, layout=layouts)


# --- models


def model_features(wildcards):
    """Return the features of all folds that a model learns from."""
    return over_folds(FEATURES, wildcards, recipe=PLAN.recipe_of(wildcards.dataset, wildcards.model))


def tuning_inputs(wildcards):
    """Return cohort and splits for a model that is tuned in inner folds, which refit its recipe; none for others."""
    if not PLAN.inner_folds_of(wildcards.model):
        return []
    return [cohort_file(wildcards), f"results/{wildcards.dataset}/splits.tsv"]


def tuning_recipe(wildcards):
    """Return the recipe that inner folds refit; "" for a model without any."""
    return canonical(PLAN.steps_of(wildcards.dataset, wildcards.model)) if tuning_inputs(wildcards) else ""


def fold_features(wildcards):
    """Return the features of one fold that a model learns from."""
    return FEATURES.format(recipe=PLAN.recipe_of(wildcards.dataset, wildcards.model), **wildcards)


def fold_layout(wildcards):
    """Return the layout of an image network in one fold."""
    layout = PLAN.layout_of(wildcards.model)
    return LAYOUT.format(recipe=PLAN.recipe_of(wildcards.dataset, wildcards.model), layout=layout, **wildcards)


def shared_trunk(wildcards):
    """Return what the frozen layers give in all folds, where no fold changes the images; none otherwise."""
    name = PLAN.trunk_name(wildcards.dataset, wildcards.model)
    path = f"results/{wildcards.dataset}/models/{wildcards.model}/trunk/{name}"
    return [f"{path}.bin", f"{path}.json"] if name else []


def model_layouts(wildcards):
    """Return the layouts of an image network in all folds; none for other models."""
    if wildcards.model not in PLAN.image_models:
        return []
    layout = PLAN.layout_of(wildcards.model)
    return over_folds(LAYOUT, wildcards, recipe=PLAN.recipe_of(wildcards.dataset, wildcards.model), layout=layout)


def model_fitted(wildcards):
    """Return the fitted recipes of all folds that a model learns from."""
    return over_folds(FITTED_RECIPE, wildcards, recipe=PLAN.recipe_of(wildcards.dataset, wildcards.model))


def model_files(wildcards):
    """Return the weights of a network in all folds; none of a reference model, which keeps none."""
    return [] if wildcards.model in PLAN.networks(*FITTED) else trained_networks(wildcards)


def model_facts(wildcards):
    """Return what training said of each fold: for a tuned model, which candidate it chose."""
    path = "results/{dataset}/models/{model}/fold{fold}/training.json"
    return over_folds(path, wildcards, model=wildcards.model)


def target_splits(wildcards):
    """Return the splits of another cohort where it has a hold-out, which stays out of this test as well."""
    return [f"results/{wildcards.target}/splits.tsv"] if PLAN.holdout_of(wildcards.target) else []


def new_predictions(wildcards):
    """Return the predictions of new samples, model by model."""
    models = PLAN.new_models(wildcards.dataset, wildcards.place)
    return expand("results/{dataset}/{place}/{model}/predictions.tsv", model=models, **wildcards)


def new_score_settings(wildcards):
    return canonical({"models": PLAN.new_models(wildcards.dataset, wildcards.place)})


def opening_settings(wildcards):
    """Return all that decides what is seen of a hold-out once it is open."""
    dataset = wildcards.dataset
    models = PLAN.new_models(dataset, "holdout")
    settings = {name: PLAN.prediction_settings(dataset, name) for name in models}
    reading = json.loads(reading_settings(wildcards))  # with names for keys: numbers would be in another order
    run = {script: code(script) for script in scripts_behind(models)}
    return canonical({"reading": reading, "split": PLAN.split_settings(dataset), "models": settings, "code": run})


def scripts_behind(models):
    """Return the scripts that make what models predict of new samples."""
    scripts = {"prepare_folds.py", "predict_holdout.py"}
    scripts |= {"fit_reference.py"} if set(models) & set(PLAN.networks(*FITTED)) else set()
    scripts |= {"train_gexpnet.py"} if set(models) & set(PLAN.networks("gexpnet", "mlp")) else set()
    return scripts | ({"lay_out_genes.py", "finetune_backbone.py"} if set(models) & set(PLAN.image_models) else set())


def of_new(name):
    """Return a file of every hold-out that is open, and of every external test."""
    return [f"results/{dataset}/{place}/{name}" for dataset, place in PLAN.new_places()]


def of_external_models(name):
    """Return a file of every model of every external test."""
    pairs = [(d, target, model) for d, target in PLAN.external for model in PLAN.new_models(d, f"external/{target}")]
    return [f"results/{dataset}/external/{target}/{model}/{name}" for dataset, target, model in pairs]


def model_weights(wildcards):
    """Return the file of pretrained weights, as the input of a job; none for random weights and other models."""
    found = PLAN.weights_of(wildcards.model)
    return [found.get("path") or f"{WEIGHTS}/{found['file']}"] if found else []


def weights_address(wildcards):
    return PLAN.fetched_weights[wildcards.file]["address"]


def weights_details(wildcards, output):
    """Return how to fetch weights, for the script; as with `download_details`, no change of it fetches them again."""
    row = PLAN.fetched_weights[wildcards.file]
    return details_of([row["address"]], {"sha256": row["sha256"]})


# --- evaluation, attribution, report


def all_predictions(wildcards):
    """Return the predictions of all models of a dataset."""
    return over_folds(PREDICTIONS, wildcards, model=PLAN.models_of(wildcards.dataset))


def score_settings(wildcards):
    dataset = wildcards.dataset
    models, reference = PLAN.models_of(dataset), STUDY["evaluation"]["reference"]
    settings = {"repeats": PLAN.repeats_of(dataset), "validation": RUN["validation"], "seed": RUN["seed"]}
    settings["reference"] = reference if reference in models else ""
    settings["merge"] = PLAN.datasets[dataset]["merge"]
    return canonical({"models": models, "folds": PLAN.folds_of(dataset), **settings})


def variant_summary(wildcards):
    """Return what says how many genes a recipe keeps, for as many random ones."""
    path = f"results/{wildcards.dataset}/recipes/{PLAN.recipe_of(wildcards.dataset, wildcards.model)}/summary.tsv"
    return [path] if wildcards.variant == RANDOM_GENES else []


def draws_of(variant):
    """Return the function that gives the draws of a variant of a dataset, one table per model."""
    path = f"results/{{dataset}}~{variant}/evaluation/{{model}}/draws.tsv"
    return lambda wildcards: expand(path, model=AUDIT.refitted_models(wildcards.dataset, variant), **wildcards)


def planted_leaks(wildcards):
    return [f"results/{wildcards.dataset}~{leak}/evaluation/audit.tsv" for leak in AUDIT.leaks_of(wildcards.dataset)]


def audited_recipes(wildcards):
    """Return what every recipe of a dataset learned in the first fold."""
    recipes = PLAN.recipes_of(wildcards.dataset)
    return expand(FITTED_RECIPE, dataset=wildcards.dataset, recipe=recipes, fold=1)


def audited_predictions(wildcards):
    return over_folds(PREDICTIONS, wildcards, model=AUDIT.models_of(wildcards.dataset))


def trained_networks(wildcards):
    return over_folds("results/{dataset}/models/{model}/fold{fold}/model.safetensors", wildcards, model=wildcards.model)


def attributed_folds(wildcards):
    return over_folds("results/{dataset}/attribution/{model}/fold{fold}.h5ad", wildcards, model=wildcards.model)


def truth_file(wildcards):
    """Return the truth of a simulated cohort; none for a real one."""
    return [f"results/{wildcards.dataset}/simulated/truth.json"] if PLAN.simulated(wildcards.dataset) else []


def of_datasets(pattern):
    """Return a pattern once per dataset."""
    return expand(pattern, dataset=PLAN.datasets)


def of_cohorts(pattern):
    """Return a pattern once per cohort: folds by site have the ordinary dataset's."""
    return expand(pattern, dataset=dict.fromkeys(map(cohort_owner, PLAN.read_datasets)))


def of_ranked(pattern):
    """Return a pattern once per dataset that is compared with others, which leaky ones are not."""
    return expand(pattern, dataset=PLAN.chosen_datasets)


def of_searched(pattern):
    """Return a pattern once per dataset searched for shared samples, including those only tested."""
    return expand(pattern, dataset=PLAN.named_datasets)


def of_simulated(name):
    """Return a file of every simulated cohort."""
    return [f"results/{dataset}/simulated/{name}" for dataset in PLAN.named_datasets if PLAN.simulated(dataset)]


def of_attributed(name, only_simulated=False):
    """Return a file of the attribution stage once for each dataset and attributed model."""
    return [
        f"results/{dataset}/attribution/{model}/{name}"
        for dataset in PLAN.datasets
        if PLAN.simulated(dataset) or not only_simulated
        for model in PLAN.attributed_models(dataset)
    ]


def of_trained(name, only_networks=False):
    """Return a file of every training of every model, or of every network."""
    others = PLAN.networks(*FITTED) if only_networks else []
    return [
        f"results/{dataset}/models/{model}/fold{fold}/{name}"
        for dataset in PLAN.datasets
        for model in PLAN.models_of(dataset)
        if model not in others
        for fold in range(1, PLAN.fold_count(dataset) + 1)
    ]


def of_recipes(name):
    """Return a file of every recipe that a dataset uses."""
    used = [(dataset, recipe) for dataset in sorted(PLAN.datasets) for recipe in PLAN.recipes_of(dataset)]
    return [f"results/{dataset}/recipes/{recipe}/{name}" for dataset, recipe in used]


def of_images():
    """Return the figures of samples as image networks see them: one per dataset, recipe and layout."""
    images = PLAN.drawn_images()
    return [f"results/{dataset}/recipes/{recipe}/images/{layout}.svg" for dataset, recipe, layout in images]


def benchmark_files(wildcards, output):
    """Return the benchmark file of every job behind the report that has one, for the table of cost.

    They are no inputs: figures that are gone are reported, not made again. As with `download_details`, no change of this
    list reruns the report.
    """
    return [f"results/benchmarks/{job}.tsv" for job in costly_jobs(PLAN, AUDIT)]


def drawing_settings(wildcards):
    return canonical({"heatmap_genes": STUDY["report"]["heatmap_genes"]})
