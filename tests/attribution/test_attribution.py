"""Attributions are exact per gene, and gathered over folds without inventing zeros."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from gexflow.attribution.genes import rank_genes
from gexflow.attribution.heatmaps import draw_heatmap, heatmap_figure
from gexflow.attribution.integrated_gradients import attribute, choose_samples
from gexflow.attribution.recovery import f_test_recovery, recovery
from gexflow.figure_style import SETTINGS
from gexflow.models.gexpnet import GexpNet

CPU = torch.device("cpu")
RNG = np.random.default_rng(0)


def test_a_linear_network_has_attributions_in_closed_form():
    network = nn.Linear(6, 3)
    values, baseline = RNG.normal(size=(10, 6)).astype(np.float32), RNG.normal(size=6).astype(np.float32)
    weights = network.weight.detach().numpy().copy()
    found, targets, deltas = attribute(network, values, baseline, 16, CPU, batch=4)
    np.testing.assert_allclose(found, (values - baseline) * weights[targets], atol=1e-5)
    assert np.abs(deltas).max() < 1e-5


def test_attributions_of_gexpnet_add_up_to_the_logit_difference():
    torch.manual_seed(0)
    network = GexpNet(30, 4)
    values = RNG.normal(size=(9, 30)).astype(np.float32)
    found, targets, deltas = attribute(network, values, np.zeros(30, dtype=np.float32), 64, CPU)
    with torch.no_grad():
        logits = network(torch.from_numpy(values)).numpy()
        base = network(torch.zeros(1, 30)).numpy()[0]
    assert (targets == logits.argmax(axis=1)).all()
    gap = found.sum(axis=1) - (logits[np.arange(9), targets] - base[targets])
    np.testing.assert_allclose(gap, deltas, atol=1e-4)
    assert np.abs(deltas).max() < 0.02


def test_samples_are_chosen_by_class():
    labels = np.repeat(["a", "b"], [50, 3])
    chosen = choose_samples(labels, 10, seed=1)
    assert [int((labels[chosen] == name).sum()) for name in "ab"] == [10, 3]
    assert len(choose_samples(labels, None, seed=1)) == 53


def folds():
    first = pd.DataFrame([[1.0, -2.0, 0.5], [3.0, -4.0, 0.5]], columns=["g1", "g2", "g3"])
    second = pd.DataFrame([[5.0, 9.0]], columns=["g1", "g4"])
    return [first, second], [["a", "b"], ["a"]]


def test_a_gene_that_a_fold_did_not_keep_is_missing_not_zero():
    tables, predicted = folds()
    ranked = rank_genes(tables, predicted, {"g1": "TP53"}).set_index(["class", "gene"])
    assert ranked.loc[("a", "g1"), "mean_attribution"] == 3.0
    assert ranked.loc[("a", "g2"), "mean_attribution"] == -2.0
    assert ranked.loc[("a", "g4"), "mean_abs_attribution"] == 9.0
    assert ranked.loc[("a", "g4"), "rank"] == 1
    assert ranked.loc[("a", "g1"), ["symbol", "folds"]].tolist() == ["TP53", 2]


def test_genes_kept_in_few_folds_are_not_ranked():
    tables, predicted = folds()
    ranked = rank_genes([*tables, tables[0]], [*predicted, predicted[0]], {})
    assert "g4" not in set(ranked["gene"])


def test_recovery_is_the_auroc_of_planted_genes():
    planted = np.array([True, True, False, False])
    assert recovery(np.array([[3.0, -2.0, 1.0, 0.0]]), planted) == 1.0
    assert recovery(np.array([[0.0, 1.0, -2.0, 3.0]]), planted) == 0.0
    assert np.isnan(recovery(np.ones((1, 4)), np.ones(4, dtype=bool)))
    values = RNG.normal(size=(40, 4))
    values[:20, :2] += 2
    assert f_test_recovery(values, np.repeat(["a", "b"], 20), planted) == 1.0


def ranked_genes(classes: list[str], genes: list[str]) -> pd.DataFrame:
    rows = [(name, gene, "", 1 + i, RNG.normal(), 1.0, 5) for name in classes for i, gene in enumerate(genes)]
    columns = ["class", "gene", "symbol", "rank", "mean_attribution", "mean_abs_attribution", "folds"]
    return pd.DataFrame(rows, columns=columns)


@pytest.mark.parametrize("classes", [2, 33])
def test_heat_map_names_classes_and_genes_and_refers_to_nothing_remote(classes):
    names = [f"class{i}" for i in range(classes)]
    table = ranked_genes(names, [f"gene_{i}" for i in range(6)])
    drawing = draw_heatmap(table, top=4)
    assert all(name in drawing for name in [*names, "gene_0", "gene_3"])
    assert "gene_5" not in drawing
    assert drawing == draw_heatmap(table, top=4)


@pytest.mark.parametrize("classes", [2, 33])
@pytest.mark.parametrize("genes", [1, 200])
@pytest.mark.parametrize("letters", [2, 30])
def test_all_texts_of_a_heat_map_lie_inside_its_canvas_and_apart(classes, genes, letters):
    table = ranked_genes([f"{i:W>{letters}}" for i in range(classes)], [f"{i:W>{letters + 1}}" for i in range(genes)])
    with plt.rc_context(SETTINGS):
        figure = heatmap_figure(table, top=genes)
        figure.canvas.draw()
        canvas = figure.bbox.padded(-1)
        heatmap, bar = figure.axes
        texts = [*heatmap.texts, *bar.texts, *bar.get_xticklabels()]
        names = [*heatmap.get_yticklabels(), *heatmap.get_xticklabels()]
        boxes = [text.get_window_extent() for text in [*texts, *names]]
        plt.close(figure)
    assert len(boxes) == 5 + classes + genes
    assert all(box.width > 1 and box.height > 1 for box in boxes)
    assert all(canvas.x0 <= box.x0 and box.x1 <= canvas.x1 for box in boxes)
    assert all(canvas.y0 <= box.y0 and box.y1 <= canvas.y1 for box in boxes)
    assert not any(one.overlaps(other) for n, one in enumerate(boxes) for other in boxes[:n])
