"""Simulated cohorts are what they say, in the true formats, through the real readers."""

import json

import numpy as np
import pytest
import torch

from gexflow.attribution.integrated_gradients import attribute
from gexflow.attribution.recovery import f_test_recovery, recovery
from gexflow.cohorts.build import build_cohort
from gexflow.cohorts.card import describe
from gexflow.cohorts.read import read_matrix
from gexflow.cohorts.simulate import bayes_accuracy, simulate
from gexflow.cohorts.simulated_files import NORMAL_SAMPLES, WRITERS
from gexflow.errors import InputError
from gexflow.models.gexpnet import GexpNet
from gexflow.models.stacks import stack
from gexflow.models.trainer import FoldData, Training, seed_all, train
from gexflow.recipes.recipe import apply_recipe, build_recipe, fit_recipe, kept_genes
from gexflow.variants import with_published

SETTINGS = {"samples": 60, "genes": 300, "classes": 3, "effect": 0.8, "markers": 0.02, "missing": 0.02}
LABELS = {"geo": "tissue", "mendeley": "cancerTypes", "tcga": "cancer type"}


def written(source, tmp_path):
    drawn = simulate(source, SETTINGS | ({"missing": 0.0} if source == "mendeley" else {}), seed=4)
    paths = tmp_path / "matrix", tmp_path / "labels"
    genes = WRITERS[source](drawn, *paths, np.random.default_rng(1))
    return drawn, genes, paths


@pytest.mark.parametrize("source", WRITERS)
def test_the_real_reader_gives_back_what_was_drawn(source, tmp_path):
    drawn, genes, (matrix, labels) = written(source, tmp_path)
    settings = {"source": source, "dataset": "sim", "label": {"field": LABELS[source]}}
    if source == "geo":
        settings["group"] = {"field": "patient"}
    read = read_matrix(source, [matrix], labels if source == "tcga" else None, settings)
    cohort = build_cohort(read, settings, "sim", [])
    assert cohort.shape == drawn.log2.shape
    assert list(cohort.var_names) == genes
    assert list(cohort.obs["label"]) == list(drawn.labels)
    expected = drawn.log2 if source == "geo" else np.exp2(drawn.log2)
    gap = np.abs(np.asarray(cohort.X) / expected - 1)
    assert np.nanquantile(gap, 0.9) < 1e-4  # decimals of the file; TCGA's weakest genes are shifted
    assert (np.isnan(cohort.X) == np.isnan(drawn.log2)).all()
    assert cohort.uns["scale"] == ("log2" if source == "geo" else "linear")
    if source == "geo":
        assert list(cohort.obs["group"]) == list(drawn.patients)


def test_tcga_has_normals_negatives_and_unknown_symbols(tmp_path):
    _, genes, (matrix, labels) = written("tcga", tmp_path)
    settings = {"source": "tcga", "dataset": "sim", "label": {"field": "cancer type"}}
    cohort = build_cohort(read_matrix("tcga", [matrix], labels, settings), settings, "sim", [])
    dropped = json.loads(cohort.uns["source"])["dropped"]
    assert [entry["count"] for entry in dropped if entry["what"] == "samples"] == [NORMAL_SAMPLES]
    assert (np.nan_to_num(cohort.X) < 0).any()
    assert any(gene.startswith("?|") for gene in genes)
    both = settings | {"sample_types": {"all": ["01", "11"]}}
    cohort = build_cohort(read_matrix("tcga", [matrix], labels, both), both, "sim", [])
    assert (cohort.obs["group"].value_counts() == 2).sum() == NORMAL_SAMPLES


def test_the_published_protocol_takes_normals_for_tumours_and_knows_no_patient(tmp_path):
    drawn, _, (matrix, labels) = written("tcga", tmp_path)
    clean = {
        "source": "tcga",
        "dataset": "sim",
        "label": {"field": "cancer type"},
        "group": {"field": "patient_barcode"},
    }
    clean |= {"adjacent_label": "normal", "variants": ["published"]}
    settings = with_published({"sim": clean}, ["resnet50"])["sim~published"]
    cohort = build_cohort(read_matrix("tcga", [matrix], labels, settings), settings, "sim", [])
    assert list(cohort.obs["label"]) == [*drawn.labels, *drawn.labels[:NORMAL_SAMPLES]]
    assert list(cohort.obs["group"]) == list(cohort.obs_names)
    assert sum("-11A-" in sample for sample in cohort.obs_names) == NORMAL_SAMPLES
    card = describe(cohort)
    assert card["protocol"] == "published"
    assert any(note.startswith("LEAKY by intention") for note in card["notes"])
    assert card["near_duplicates"]["why"] == "Not searched: near_duplicates is off."


def test_markers_are_shifted_by_the_effect_in_their_class():
    drawn = simulate("mendeley", SETTINGS | {"samples": 3000, "missing": 0}, seed=1)
    z = (drawn.log2 - drawn.log2.mean(axis=0)) / drawn.log2.std(axis=0)
    for number, name in enumerate(drawn.classes):
        rows = drawn.labels == name
        shift = np.abs(z[rows].mean(axis=0) - z[~rows].mean(axis=0))
        assert shift[drawn.marker[number]].mean() == pytest.approx(0.8 / np.sqrt(1 + 0.64 * 2 / 9), abs=0.06)
        assert shift[~drawn.marker.any(axis=0)].mean() < 0.06


def test_bayes_accuracy_of_two_classes_has_a_closed_form():
    from scipy.stats import norm

    shifts = np.zeros((2, 10))
    shifts[0, :4], shifts[1, 4:8] = 0.8, -0.8
    expected = norm.cdf(np.sqrt((shifts[0] - shifts[1]) @ (shifts[0] - shifts[1])) / 2)
    found = bayes_accuracy(shifts, np.array([0.5, 0.5]), np.random.default_rng(0))
    assert found == pytest.approx(expected, abs=0.01)


def test_samples_of_a_patient_are_alike():
    drawn = simulate("geo", SETTINGS | {"samples": 120, "missing": 0}, seed=2)
    z = (drawn.log2 - drawn.log2.mean(axis=0)) / drawn.log2.std(axis=0)
    first = {patient: row for row, patient in reversed(list(enumerate(drawn.patients)))}
    pairs = [(first[p], row) for row, p in enumerate(drawn.patients) if first[p] != row]
    assert len(pairs) == 40
    assert np.mean([np.corrcoef(z[a], z[b])[0, 1] for a, b in pairs]) == pytest.approx(0.3, abs=0.06)


def test_impossible_cohorts_are_refused():
    with pytest.raises(InputError, match="at most 5 classes"):
        simulate("mendeley", SETTINGS | {"classes": 6}, 1)
    with pytest.raises(InputError, match="markers"):
        simulate("geo", SETTINGS | {"markers": 0.5}, 1)


def planted_auroc(drawn, labels):
    """Return the AUROC of planted genes among those that a fold selected: by attribution, by F-test."""
    classes, targets = np.unique(labels, return_inverse=True)
    test = np.arange(len(labels)) % 5 == 0
    values = drawn.log2.astype(np.float32)
    recipe, _ = build_recipe(["impute_median", "gene_quantile", "select_logistic"], "log2")
    features = apply_recipe(fit_recipe(recipe, values[~test], labels[~test]), values)
    planted = drawn.marker.any(axis=0)[kept_genes(recipe, values.shape[1])]
    shuffles = seed_all(32, 1)
    network = GexpNet(features.shape[1], len(classes))
    training = Training("adam", 1e-3, 5, 32)
    data = FoldData(features[~test], targets[~test], None, shuffles, 1)
    cpu = torch.device("cpu")
    train(stack([network], cpu), [data], len(classes), training, cpu)
    baseline = np.zeros(features.shape[1], dtype=np.float32)
    found, _, _ = attribute(network, features[test], baseline, 16, cpu)
    return recovery(found, planted), f_test_recovery(features[~test], labels[~test], planted)


def test_attribution_finds_planted_genes_only_where_labels_mean_something():
    drawn = simulate("geo", {**SETTINGS, "samples": 210, "genes": 1200, "markers": 0.01}, seed=1)
    score, f_test = planted_auroc(drawn, drawn.labels)
    permuted = [planted_auroc(drawn, np.random.default_rng(n).permutation(drawn.labels)) for n in range(2)]
    print(f"AUROC {score:.3f} (F-test {f_test:.3f}); labels permuted:", np.round(permuted, 3).tolist())
    assert score >= 0.75
    assert 0.35 <= np.mean(permuted, axis=0)[0] <= 0.65
