"""Every gene has one pixel of its own, and correlated genes are neighbours."""

import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.manifold import _t_sne
from tests.jobs import job_of, run_script

from gexflow.errors import InputError
from gexflow.files import read_table, write_h5ad
from gexflow.models.image_network import build_image_network
from gexflow.recipe_names import layout_name
from gexflow.recipes import gene_map
from gexflow.recipes.gene_map import map_genes, standardise_genes
from gexflow.recipes.layout_shape import layout_shape
from gexflow.recipes.layouts import lay_out_genes, layout_note
from gexflow.recipes.median_split import split_to_pixels

NAMES = ["TP53", "A1BG", "MYC", "ZYX", "BRCA1"]


def pixels_of(layout: pd.DataFrame) -> set[tuple[int, int]]:
    return set(zip(layout["row"], layout["column"], strict=True))


def test_alphabetical_genes_fill_the_square_row_by_row():
    layout = lay_out_genes(NAMES, "alphabetical", "auto", seed=0)
    pixels = {gene: (row, column) for gene, row, column in layout.itertuples(index=False)}
    assert pixels == {"A1BG": (0, 0), "BRCA1": (0, 1), "MYC": (0, 2), "TP53": (1, 0), "ZYX": (1, 1)}
    assert list(layout["gene"]) == NAMES


def test_a_rectangle_is_filled_by_its_own_rows():
    layout = lay_out_genes(NAMES, "alphabetical", [3, 2], seed=0)
    pixels = {gene: (row, column) for gene, row, column in layout.itertuples(index=False)}
    assert pixels == {"A1BG": (0, 0), "BRCA1": (0, 1), "MYC": (1, 0), "TP53": (1, 1), "ZYX": (2, 0)}


@pytest.mark.parametrize("order", ["alphabetical", "random", "chromosome", "correlation"])
@pytest.mark.parametrize("size", [10, [4, 25], [101, 1]])
def test_no_two_genes_share_a_pixel(order, size):
    values = np.random.default_rng(0).normal(size=(30, 100))
    places = pd.DataFrame({"chromosome": ["1"] * 100, "start": 5.0})
    known = {"places": places, "values": values, "method": "pca"}
    layout = lay_out_genes([f"g{i % 40}" for i in range(100)], order, size, seed=4, **known)
    height, width = layout_shape(size, 100)
    assert len(pixels_of(layout)) == 100
    assert layout["row"].between(0, height - 1).all()
    assert layout["column"].between(0, width - 1).all()


def test_random_order_depends_on_the_seed_alone():
    first, again, other = (lay_out_genes(NAMES, "random", 3, seed=s) for s in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


@pytest.mark.parametrize("order", ["alphabetical", "correlation"])
def test_too_many_genes_are_refused_with_the_number_that_fits(order):
    with pytest.raises(InputError, match=r"5 genes do not fit on 1 x 4 = 4 pixels.*top: 4"):
        lay_out_genes(NAMES, order, [1, 4], seed=0, values=np.eye(5))


@pytest.mark.parametrize(
    ("size", "genes", "shape"),
    [(7, 3, (7, 7)), ("auto", 101, (11, 11)), ("auto", 100, (10, 10)), ([96, 108], 9, (96, 108))],
)
def test_the_shape_follows_the_size(size, genes, shape):
    assert layout_shape(size, genes) == shape


def test_an_image_network_has_the_shape_of_its_layout():
    layout = lay_out_genes(NAMES, "alphabetical", [32, 40], seed=0)
    model = {"network": "resnet50", "layout": {"size": [32, 40]}, "image_size": "native"}
    model |= {"learn": "last-block", "head": "published", "seed": 0}
    network = build_image_network(model, layout, 2, None)
    assert network.image.size == (32, 40)
    model["layout"]["size"] = [40, 16]
    with pytest.raises(InputError, match="at least 32 pixels a side, but gets 16"):
        build_image_network(model, layout, 2, None)


def test_different_layouts_have_different_names():
    layouts = [
        {"order": order, "size": size, **({"method": method} if order == "correlation" else {})}
        for order in ("alphabetical", "chromosome", "correlation", "random")
        for size in (102, "auto", [96, 108], [108, 96])
        for method in ("tsne", "pca")
    ]
    distinct = {json.dumps(layout) for layout in layouts}
    assert len({layout_name(layout) for layout in layouts}) == len(distinct) == 20
    assert layout_name({"order": "correlation", "size": 102, "method": "tsne"}) == "correlation-tsne-102"
    assert layout_name({"order": "alphabetical", "size": [96, 108]}) == "alphabetical-96x108"
    # a control lays another order over a layout with a method, which then means nothing
    assert layout_name({"order": "random", "size": 102, "method": "tsne"}) == "random-102"


# --- chromosomes


def places(*rows: tuple[str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["chromosome", "start"])


def test_genes_stand_by_chromosome_start_and_name():
    nowhere = np.nan
    rows = {
        "late": ("2", 900.0),
        "unknown": ("", nowhere),
        "b": ("2", 30.0),
        "a": ("2", 30.0),
        "ten": ("10", 1.0),
        "mito": ("MT", 1.0),
        "y": ("Y", 1.0),
        "x": ("X", 10.0),
        "contig": ("HG104", 1.0),
        "contig0": ("GL001", 7.0),
        "startless": ("2", nowhere),
        "also unknown": ("", 5.0),
        "first": ("1", 5.0),
    }
    layout = lay_out_genes(list(rows), "chromosome", [1, 20], 0, places(*rows.values()))
    found = layout.sort_values("column")["gene"].tolist()
    assert found[:6] == ["first", "a", "b", "late", "startless", "ten"]
    assert found[6:] == ["x", "y", "mito", "contig0", "contig", "also unknown", "unknown"]
    assert layout_note("chromosome", places(*rows.values())) == (
        "2 of 13 genes have no place and stand last; 1 have no start and stand at the end of their chromosome"
    )


@pytest.mark.parametrize("known", [None, places(*[("", np.nan)] * 5), places(*[("1", np.nan)] * 5)])
def test_a_chromosome_layout_without_positions_is_refused(known):
    with pytest.raises(InputError, match=r"^no gene has a position[^.]*`files\.annotation`[^.]*probe map[^.]*`order`"):
        lay_out_genes(NAMES, "chromosome", "auto", 0, known)


# --- pixels of a map


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_split_gives_every_point_one_pixel_inside_the_rectangle(data):
    height, width = (data.draw(st.integers(1, 40), label=side) for side in ("height", "width"))
    count = data.draw(st.integers(0, height * width), label="points")
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1), label="seed"))
    points = rng.normal(size=(count, 2))
    if data.draw(st.booleans(), label="with ties"):
        points = points.round()
    row, column = split_to_pixels(points, height, width)
    assert len(set(zip(row.tolist(), column.tolist(), strict=True))) == count == len(row)
    assert ((row >= 0) & (row < height)).all()
    assert ((column >= 0) & (column < width)).all()


@pytest.mark.parametrize(("height", "width"), [(8, 8), (5, 9), (1, 12), (7, 1)])
def test_points_on_a_grid_keep_their_places(height, width):
    grid = np.argwhere(np.ones((height, width)))
    turn = np.random.default_rng(0).permutation(len(grid))
    row, column = split_to_pixels(3.5 * grid[turn] - 9, height, width)
    np.testing.assert_array_equal(np.stack([row, column], axis=1), grid[turn])


def test_empty_pixels_are_spread_evenly():
    points = np.random.default_rng(1).normal(size=(500, 2))
    row, column = split_to_pixels(points, 32, 32)
    quarters = np.bincount(2 * (row // 16) + column // 16)
    assert quarters.tolist() == [125] * 4


def test_the_halves_of_the_longer_side_part_the_points_by_their_coordinate():
    points = np.random.default_rng(2).normal(size=(300, 2))
    _, column = split_to_pixels(points, 10, 40)
    left = column < 20
    assert left.sum() == 150
    assert points[left, 1].max() < points[~left, 1].min()


# --- correlation


def correlated(samples: int = 120, genes: int = 400, seed: int = 0) -> np.ndarray:
    """Draw genes that each follow two neighbouring ones of twelve hidden factors, in shuffled order."""
    rng = np.random.default_rng(seed)
    where = rng.uniform(0, 12, genes)
    weights = np.maximum(0, 1 - np.abs((where - np.arange(12)[:, None] + 6) % 12 - 6))
    values = rng.normal(size=(samples, 12)) @ weights + 0.4 * rng.normal(size=(samples, genes))
    return (5 + 3 * values * rng.gamma(2, 1, genes)).astype(np.float32)


def correlation_of_neighbours(values: np.ndarray, layout: pd.DataFrame) -> float:
    """Return the mean correlation of genes on pixels that share a side."""
    gene = np.full((layout["row"].max() + 1, layout["column"].max() + 1), -1)
    gene[layout["row"], layout["column"]] = np.arange(len(layout))
    pairs = [(gene[:-1].ravel(), gene[1:].ravel()), (gene[:, :-1].ravel(), gene[:, 1:].ravel())]
    first, second = np.concatenate(pairs, axis=1)
    both = (first >= 0) & (second >= 0)
    r = np.corrcoef(values.T)
    return r[first[both], second[both]].mean()


@pytest.mark.parametrize(("method", "least"), [("tsne", 0.5), ("pca", 0.3)])
def test_neighbours_are_correlated(method, least):
    values = correlated()
    names = [f"g{i}" for i in range(values.shape[1])]
    found = correlation_of_neighbours(
        values, lay_out_genes(names, "correlation", "auto", 1, values=values, method=method)
    )
    shuffled = correlation_of_neighbours(values, lay_out_genes(names, "random", "auto", 1))
    assert found > shuffled + least


def test_standardised_genes_give_correlations():
    values = correlated(genes=30)
    values[:, 4] = 3.3
    values[:, 7] = 0
    standard = standardise_genes(values)
    others = np.delete(np.arange(30), [4, 7])
    np.testing.assert_allclose(
        (standard.T @ standard)[np.ix_(others, others)], np.corrcoef(values[:, others].T), atol=2e-6
    )
    assert not standard[:, [4, 7]].any()


def test_the_pca_map_has_the_first_components_of_the_correlations():
    values = correlated(genes=60)
    genes = standardise_genes(values).T.astype(np.float64)
    left, sizes, _ = np.linalg.svd(genes - genes.mean(axis=0), full_matrices=False)
    points = map_genes(values, "pca", seed=3)
    for axis in range(2):
        expected = left[:, axis] * sizes[axis]
        np.testing.assert_allclose(points[:, axis] * np.sign(points[:, axis] @ expected), expected, atol=2e-3)


@pytest.mark.parametrize("method", ["tsne", "pca"])
@pytest.mark.parametrize("constant", [1, 5, 37, 39, 40])
def test_constant_genes_are_laid_out_together(method, constant):
    values = correlated(genes=40)
    values[:, :constant] = np.float32(0.1) * np.arange(constant)
    layout = lay_out_genes([f"g{i}" for i in range(40)], "correlation", [10, 4], 0, values=values, method=method)
    assert len(pixels_of(layout)) == 40
    if constant in (1, 5):
        assert layout["row"][:constant].min() >= 7  # the last quarter: 3 of 10 rows
    assert layout_note("correlation", values=values) == f"{constant} of 40 genes are constant and stand together"


@pytest.mark.parametrize(("samples", "genes"), [(1, 5), (2, 9), (3, 1), (5, 2), (50, 3), (4, 30)])
@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_tiny_tables_are_laid_out(samples, genes, method):
    values = np.random.default_rng(0).normal(size=(samples, genes)).astype(np.float32)
    layout = lay_out_genes(["g"] * genes, "correlation", "auto", 0, values=values, method=method)
    assert len(pixels_of(layout)) == genes


def test_the_embedding_stops_after_its_few_steps(monkeypatch):
    """scikit-learn has no setting for the steps of exaggeration: an upgrade may rename what gene_map sets."""
    made = []
    fit = gene_map._ShortTSNE.fit_transform
    monkeypatch.setattr(gene_map._ShortTSNE, "fit_transform", lambda self, X: (made.append(self), fit(self, X))[1])
    monkeypatch.setattr(gene_map, "ITERATIONS", 31)
    exaggerated = []
    monkeypatch.setattr(_t_sne, "_gradient_descent", _recording(exaggerated, _t_sne._gradient_descent))
    map_genes(correlated(genes=50), "tsne", 0)
    assert exaggerated == [30, 31]
    assert made[0].n_iter_ == 30


def _recording(seen: list[int], descend):
    def record(*arguments, **options):
        seen.append(options["max_iter"])
        return descend(*arguments, **options)

    return record


@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_the_same_seed_gives_the_same_map(method):
    values = correlated()
    np.testing.assert_array_equal(map_genes(values, method, 5), map_genes(values.copy(order="F"), method, 5))


# --- the rule


class Job:
    """The rule's job on two folds in a folder of its own."""

    def __init__(self, folder: Path, tables: list[anndata.AnnData], **layout):
        self.folds = [folder / f"fold{number}" for number in (1, 2)]
        for fold, table in zip(self.folds, tables, strict=True):
            fold.mkdir(parents=True)
            write_h5ad(table, fold / "features.h5ad")
        self.log = folder / "logs/job.log"
        self.outputs = [fold / "layouts/mine.tsv" for fold in self.folds]
        self.job = job_of(
            "lay_out_genes",
            self.log,
            {"features": [str(fold / "features.h5ad") for fold in self.folds]},
            {"layouts": [str(path) for path in self.outputs]},
            {"seed": 32, **layout},
            wildcards={"dataset": "set", "recipe": "mine", "layout": "mine"},
        )

    def run(self) -> list[pd.DataFrame]:
        run_script(self.job)
        return [read_table(path, ("gene",)) for path in self.outputs]


def features(seed: int) -> anndata.AnnData:
    values = correlated(samples=90, genes=60, seed=seed)
    obs = pd.DataFrame({"label": ["x", "y"] * 45, "part": ["train"] * 60 + ["validation"] * 10 + ["test"] * 20})
    var = pd.DataFrame({"symbol": [f"S{i}" for i in range(60)]}, index=[f"g{i:02d}" for i in range(60)])
    return anndata.AnnData(values, obs=obs.set_index(np.array([f"s{i}" for i in range(90)])), var=var)


@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_samples_that_do_not_train_leave_the_layout_bit_identical(tmp_path, method):
    tables = [features(1), features(2)]
    layout = {"order": "correlation", "size": "auto", "method": method}
    first = Job(tmp_path / "one", tables, **layout)
    first.run()
    for table in tables:
        others = (table.obs["part"] != "train").to_numpy()
        table.X[others] = np.random.default_rng(9).gamma(1, 1e3, size=(others.sum(), 60))
        table.obs["label"] = np.where(others, "z", table.obs["label"].astype(str))
    second = Job(tmp_path / "two", tables, **layout)
    second.run()
    for one, two in zip(first.outputs, second.outputs, strict=True):
        assert one.read_bytes() == two.read_bytes()
    # and the training samples of each fold do matter
    assert first.outputs[0].read_bytes() != first.outputs[1].read_bytes()
    tables[0].X[:10] = tables[1].X[:10]
    third = Job(tmp_path / "three", tables, **layout)
    third.run()
    assert first.outputs[0].read_bytes() != third.outputs[0].read_bytes()


def test_a_layout_table_names_genes_by_id_in_the_order_of_the_features(tmp_path):
    (table, _) = Job(tmp_path, [features(1), features(2)], order="alphabetical", size=[6, 10]).run()
    assert list(table.columns) == ["gene", "row", "column"]
    assert table["gene"].tolist() == [f"g{i:02d}" for i in range(60)]
    assert pixels_of(table) == {(row, column) for row in range(6) for column in range(10)}
    by_symbol = sorted(range(60), key=lambda i: f"S{i}")
    assert (table["row"] * 10 + table["column"]).iloc[by_symbol].tolist() == list(range(60))


def test_genes_without_a_place_are_counted_in_the_log(tmp_path):
    tables = [features(1), features(2)]
    for table in tables:
        table.var["chromosome"] = ["1"] * 50 + [""] * 10
        table.var["start"] = [float(100 - i) for i in range(50)] + [np.nan] * 10
    job = Job(tmp_path, tables, order="chromosome", size=8)
    table, _ = job.run()
    place = table["row"] * 8 + table["column"]
    assert place[:50].tolist() == list(range(49, -1, -1))
    assert "set, recipe mine, fold 2: 60 genes on 8 x 8 pixels; 10 of 60 genes have no place" in job.log.read_text()


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ({"order": "chromosome", "size": 8}, "no gene has a position for the chromosome layout: "),
        ({"order": "correlation", "method": "pca", "size": [7, 8]}, "60 genes do not fit on 7 x 8 = 56 pixels: "),
    ],
)
def test_a_mistake_ends_in_one_sentence_and_leaves_nothing(tmp_path, layout, words):
    job = Job(tmp_path, [features(1), features(2)], **layout)
    with pytest.raises(SystemExit):
        job.run()
    line = job.log.read_text().splitlines()[-1]
    assert f" ERROR set, recipe mine, fold 1: {words}" in line
    assert "Traceback" not in job.log.read_text()
    assert not any(path.exists() for path in job.outputs)
