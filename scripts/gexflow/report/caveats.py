"""What a reader has to know before trusting the numbers, found in the results themselves."""

from collections.abc import Callable, Iterator
from typing import Any

from gexflow.expected_counts import compare_counts
from gexflow.log import CAUTION
from gexflow.report.audit import audit_caveats
from gexflow.report.by_site import MARK as BY_SITE
from gexflow.report.by_site import not_across
from gexflow.report.controls import naming, without_controls
from gexflow.report.external import opening_caveats
from gexflow.report.leaky import MARK, WHY, called
from gexflow.report.shared import shared_caveats
from gexflow.report.study import Study
from gexflow.report.words import counted, known, listed, percent, whole
from gexflow.site_variants import is_by_site
from gexflow.variants import control_of, is_leaky

FEW_FOLDS = 5
LINEAR = "linear reference"  # family of comparisons
Dataset = dict[str, Any]


def find_caveats(study: Study) -> list[dict[str, Any]]:
    """Return caveats, gravest first: dicts with `title`, `text`, `loud`, `items` (sentences and their datasets)."""
    networks_weights = "An image network that starts from random weights shows nothing about transfer learning."
    checks: list[tuple[str, str, bool, Callable[[Dataset], Iterator[str]]]] = [
        (f"{MARK} by intention", "These scores repeat how others scored. They rank nowhere.", True, _leaky),
        ("The audit found a leak", "Do not trust these results before the cause is mended.", True, audit_caveats),
        ("Random weights", networks_weights, True, _random_weights),
        ("Better than possible", "A known optimum was exceeded, as a leak would do.", True, _above_bayes),
        ("Simulated data", "These samples were drawn by a program, not from patients.", True, _simulated),
        (
            "Possible mislabelling",
            "Two names of one sample carry different labels, so at least one label is wrong.",
            True,
            _mislabelled,
        ),
        ("No result", "A model of the config has no scores here.", True, _unscored),
        ("No GPU", "Networks ran on the CPU.", True, _no_gpu),
        ("No linear reference model", "Nothing tells whether a network is better than one.", True, _no_reference),
        ("Networks not ahead", "No network is shown to be better than the linear model.", False, _not_ahead),
        (
            "Jointly normalised sources",
            "The source normalised training and test samples together, before this workflow saw them.",
            True,
            _joint,
        ),
        ("Other samples than expected", "The config knows other numbers of samples.", True, _unexpected),
        ("Found while reading", "The reading of a cohort asks you to look at these.", True, _cautions),
        ("Found in the features", "The recipe of a fold asks you to look at these.", True, _recipe_cautions),
        ("Samples or classes dropped", "They are in no count and no score below.", False, _dropped),
        (
            "No patient groups known",
            "Samples of one patient may lie in both training and test parts, which flatters all models.",
            False,
            _no_groups,
        ),
        ("Not tested across sites", "These have too few sites for folds by site.", False, not_across),
        ("Small classes", "With fewer samples than folds, some folds test a class on no sample.", False, _small),
        (
            "Few test samples of a class",
            "Some folds test one or two samples of a class, so that its recall and precision in a fold can take only "
            "few values: read its scores over all folds together.",
            False,
            _few_tested,
        ),
        ("Few folds", "Intervals over few fold scores are wide and rest on few degrees of freedom.", False, _few_folds),
    ]
    caveats = []
    for title, text, loud, check in checks:
        datasets = study.datasets + (study.only_tested if check in _OF_COHORTS else [])
        items = _grouped([(called(dataset["name"]), item) for dataset in datasets for item in check(dataset)])
        if items:
            caveats.append({"title": title, "text": text, "loud": loud, "items": items})
    caveats += shared_caveats(study.shared) + opening_caveats(study.new)
    return sorted(caveats, key=lambda caveat: not caveat["loud"])


def _grouped(items: list[tuple[str, str]]) -> list[dict[str, str]]:
    """Say once what holds for several datasets."""
    datasets: dict[str, list[str]] = {}
    for dataset, text in items:
        datasets.setdefault(text, []).append(dataset)
    return [{"datasets": listed(names, 20), "text": text} for text, names in datasets.items()]


def dataset_marks(dataset: Dataset) -> list[str]:
    """Return the few words that must stand beside every result of a dataset."""
    marks = [MARK] if is_leaky(dataset["name"]) else [BY_SITE] if is_by_site(dataset["name"]) else []
    if any(audit_caveats(dataset)):
        marks.append("leak found by the audit")
    if simulated(dataset):
        marks.append("simulated")
    if dataset["card"].get("normalised_jointly"):
        marks.append("jointly normalised by its source")
    return marks


def simulated(dataset: Dataset) -> bool:
    """Say whether a dataset was simulated; a planted truth is proof enough."""
    return bool(dataset["card"].get("simulated")) or dataset["truth"] is not None


def random_weights(model: dict[str, Any]) -> bool:
    """Say whether an image network started without the ImageNet weights it is meant to have; a control is not."""
    meant = not model["image"] or control_of(model["name"]) == "random"
    return not meant and any(entry.get("weights") == "random" for entry in model["training"])


def folds_of(dataset: Dataset) -> int:
    """Return the number of folds that were scored, over all repeats."""
    return len({row["fold"] for model in dataset["models"] for row in model["folds"]})


def repeat_folds(dataset: Dataset) -> int:
    """Return the number of folds of one repeat."""
    return folds_of(dataset) // max(dataset["repeats"], 1)


def _leaky(dataset: Dataset) -> Iterator[str]:
    if is_leaky(dataset["name"]):
        yield WHY


def _random_weights(dataset: Dataset) -> Iterator[str]:
    names = [model["name"] for model in without_controls(dataset["models"]) if random_weights(model)]
    if names:
        yield f"{listed(names)} started from random, not ImageNet, weights."


def _mislabelled(dataset: Dataset) -> Iterator[str]:
    found = dataset["card"].get("near_duplicates") or {}
    pairs = [pair for pair in found.get("pairs", []) if len(set(pair["labels"])) > 1]
    if pairs:
        names = [" and ".join(pair["samples"]) for pair in pairs]
        yield f"{counted(found['different_labels'], 'pair')} of near-duplicates: {listed(names, 3)}."


def _no_gpu(dataset: Dataset) -> Iterator[str]:
    networks = [m for m in without_controls(dataset["models"]) if not m["reference"] and m["training"]]
    names = [m["name"] for m in networks if any(str(e.get("device", "")).startswith("cpu") for e in m["training"])]
    if names:
        yield f"{listed(names)}: no GPU in all or some folds."


def _simulated(dataset: Dataset) -> Iterator[str]:
    if simulated(dataset):
        bayes = (dataset["truth"] or {}).get("bayes_accuracy")
        yield "a simulated cohort" + (f"; best possible accuracy {percent(bayes)} %." if known(bayes) else ".")


def _above_bayes(dataset: Dataset) -> Iterator[str]:
    bayes = (dataset["truth"] or {}).get("bayes_accuracy")
    for model in dataset["models"]:
        low = model["intervals"].get("accuracy", {}).get("nadeau_bengio", {}).get("low")
        if known(bayes) and known(low) and low > bayes:
            name = naming(model)["called"]
            yield f"{name}: interval above {percent(low)} %, best possible accuracy {percent(bayes)} %."


def _unscored(dataset: Dataset) -> Iterator[str]:
    names = [naming(model)["called"] for model in dataset["models"] if not model["folds"]]
    if names:
        yield f"{listed(names)}."


def _no_reference(dataset: Dataset) -> Iterator[str]:
    compared = any(row["family"] == LINEAR for row in dataset["comparisons"])
    if _networks(dataset) and not compared and not is_leaky(dataset["name"]):
        yield f"{listed(_networks(dataset))}: compared with none."


def _not_ahead(dataset: Dataset) -> Iterator[str]:
    networks = _networks(dataset)
    rows = [row for row in dataset["comparisons"] if row["family"] == LINEAR and row["model"] in networks]
    if rows and not any(row["verdict"] == "better" for row in rows):
        yield f"{listed(row['model'] for row in rows)} against {rows[0]['other']}: none is shown to be better."


def _networks(dataset: Dataset) -> list[str]:
    models = without_controls(dataset["models"])
    return [model["name"] for model in models if not model["reference"] and model["folds"]]


def _joint(dataset: Dataset) -> Iterator[str]:
    value = dataset["card"].get("normalised_jointly")
    if value:
        yield value if isinstance(value, str) else "normalised jointly by its source."


def _dropped(dataset: Dataset) -> Iterator[str]:
    for entry in dataset["card"].get("dropped", []):
        if entry["what"] != "genes":
            noun = str(entry["what"])[:-1] if entry["count"] == 1 else entry["what"]
            yield f"{whole(entry['count'])} {noun} dropped: {entry['why']}"
    scored = {row["class"] for model in dataset["models"] for row in model["per_class"]}
    missing = [name for name in dataset["classes"] if name not in scored]
    if scored and missing:
        yield f"no score for {listed(missing)}."


def _unexpected(dataset: Dataset) -> Iterator[str]:
    differences = compare_counts(dataset["expected"], dataset["card"].get("classes", {}))
    if differences:
        yield f"{'; '.join(differences)}."


def _cautions(dataset: Dataset) -> Iterator[str]:
    for note in dataset["card"].get("notes") or []:
        if note.startswith(CAUTION):
            yield note.removeprefix(CAUTION)


def _recipe_cautions(dataset: Dataset) -> Iterator[str]:
    """Say each recipe's caution once, in the words of its first fold."""
    for recipe in dataset["recipes"]:
        folds = {row["fold"] for row in recipe["rows"]}
        found: dict[str, list[str]] = {}
        for row in recipe["rows"]:
            if str(row["note"]).startswith(CAUTION):
                found.setdefault(row["step"], []).append(row["note"].removeprefix(CAUTION))
        for notes in found.values():
            yield f"{recipe['name']}, {len(notes)} of {counted(len(folds), 'fold')}: {notes[0]}."


_OF_COHORTS = (_simulated, _mislabelled, _unexpected, _cautions, _dropped)  # nothing of models or folds


def _no_groups(dataset: Dataset) -> Iterator[str]:
    groups = dataset["card"].get("groups") or {}
    if is_leaky(dataset["name"]):
        return  # patients may well be known, but part by intention
    if not simulated(dataset) and not groups.get("shared_by_rule", groups.get("samples_in_shared_groups")):
        yield "every sample is a group of its own: the source names no patients, or one sample a patient."


def _small(dataset: Dataset) -> Iterator[str]:
    folds = repeat_folds(dataset)
    small = {name: count for name, count in dataset["card"].get("classes", {}).items() if count < folds}
    if small:
        sizes = [f"{name} ({counted(count, 'sample')})" for name, count in small.items()]
        yield f"{listed(sizes)} in {folds} folds."


def _few_tested(dataset: Dataset) -> Iterator[str]:
    few = dataset["splits"].get("few_tested", {})
    if few:
        yield f"smallest number in a fold: {listed((f'{name} {count}' for name, count in few.items()), 40)}."


def _few_folds(dataset: Dataset) -> Iterator[str]:
    folds = repeat_folds(dataset)
    if 0 < folds < FEW_FOLDS and not is_leaky(dataset["name"]):
        yield f"{counted(folds, 'fold')}."
