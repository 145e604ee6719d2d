"""What a figure shows is what an image network sees: every gene on its pixel, and no value where no gene is."""

import base64
import io
import re
import xml.etree.ElementTree as ET

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.image import imread
from tests.jobs import job_of, run_script

from gexflow.files import write_h5ad, write_table
from gexflow.models.gene_image import GeneImage
from gexflow.recipes.image_figure import draw_images, shades
from gexflow.recipes.images import first_test_samples, scatter_genes
from gexflow.recipes.layouts import lay_out_genes
from gexflow.small_png import small_png

SVG = "{http://www.w3.org/2000/svg}"


def pictures(drawing: str) -> list[np.ndarray]:
    """Return the pictures of a drawing as arrays (rows, columns, red green blue alpha), 0 to 1."""
    found = re.findall(r'href="data:image/png;base64,([^"]+)"', drawing)
    return [imread(io.BytesIO(base64.b64decode(data)), format="png") for data in found]


def texts(drawing: str) -> list[str]:
    return [element.text for element in ET.fromstring(drawing).iter(f"{SVG}text")]


@pytest.mark.parametrize("columns", [6, 7])
def test_a_small_png_is_read_back_pixel_by_pixel(columns):
    pixels = np.random.default_rng(0).integers(0, 4, (5, columns))
    colours = [(255, 0, 0), (0, 128, 0), (10, 20, 30)]
    expected = np.array([(0, 0, 0, 0), *((*colour, 255) for colour in colours)])[pixels]
    np.testing.assert_array_equal(np.round(255 * imread(io.BytesIO(small_png(pixels, colours)))), expected)


def test_a_small_png_refuses_more_colours_than_it_holds():
    with pytest.raises(ValueError, match="at most 15 colours"):
        small_png(np.array([[3]]), [(0, 0, 0)] * 2)
    with pytest.raises(ValueError, match="at most 15 colours"):
        small_png(np.array([[0]]), [(0, 0, 0)] * 16)


def test_genes_stand_where_the_network_finds_them():
    values = np.random.default_rng(1).normal(size=(3, 70)).astype(np.float32)
    layout = lay_out_genes([f"g{i}" for i in range(70)], "random", 9, seed=5)
    network = GeneImage(layout["row"], layout["column"], (9, 9), None, [0.0] * 3, [1.0] * 3)
    seen = network(torch.from_numpy(values)).numpy()
    images = scatter_genes(values, layout["row"].to_numpy(), layout["column"].to_numpy(), (9, 9))
    for channel in range(3):
        np.testing.assert_array_equal(np.nan_to_num(images), seen[:, channel])
    assert np.isnan(images).sum() == 3 * (81 - 70)


def test_the_first_test_sample_of_each_class_is_shown():
    labels = np.array(["b", "a", "b", "a", "a", "c"])
    parts = np.array(["train", "test", "test", "test", "train", "train"])
    assert first_test_samples(labels, parts) == {"a": 1, "b": 2}


def test_shades_rise_with_the_value_and_a_pixel_without_a_gene_is_clear():
    image = np.array([[0.0, 0.5, 1.0], [0.01, 0.99, np.nan]])
    assert shades(image, 0, 1).tolist() == [[1, 8, 15], [1, 15, 0]]
    assert shades(np.array([[2.0, np.nan]]), 2, 2).tolist() == [[8, 0]]


def test_all_pictures_have_one_scale_and_blank_pixels_are_clear_not_black():
    dark, light = np.full((2, 4, 4), 0.0, np.float32), np.full((2, 4, 4), 3.0, np.float32)
    dark[:, 3, 3] = light[:, 3, 3] = np.nan
    dark[1] += 1.5
    drawing = draw_images({"one": dark, "two": light}, ["x", "y & z"], ["s1", "s2"])
    first, beside, second, last = pictures(drawing)
    for picture in (first, beside, second, last):
        assert picture[3, 3, 3] == 0
        assert (picture[..., 3] == 1).sum() == 15
    assert [picture[0, 0, 0] for picture in (first, beside, last)] == [0, 1, 1]
    assert 0.4 < second[0, 0, 0] < 0.6
    assert drawing.count("url(#hatch)") == 4 + 1  # and in the scale
    assert {"x", "y & z", "s1", "s2", "value 0", "3", "pixel without a gene"} <= set(texts(drawing))


@pytest.mark.parametrize("classes", [1, 2, 5, 33])
def test_every_class_and_sample_is_named_and_drawn_once_a_layout(classes):
    tables = {name: np.random.default_rng(2).random((classes, 10, 10), np.float32) for name in ("one", "two")}
    names, samples = [f"C{i}" for i in range(classes)], [f"TCGA-OR-A5J{i}-01A-11R-A29S-07" for i in range(classes)]
    drawing = draw_images(tables, names, samples, ["gone"])
    assert len(pictures(drawing)) == 2 * classes
    assert {*names, *samples, "no test sample in this fold: gone"} <= set(texts(drawing))
    root = ET.fromstring(drawing)
    width = float(root.get("viewBox").split()[2])
    assert max(float(e.get("x")) + float(e.get("width")) for e in root.iter(f"{SVG}image")) <= width + 0.01


def test_a_rectangle_is_drawn_as_one():
    tables = {"one": np.random.default_rng(2).random((3, 10, 20), np.float32)}
    sizes = [
        (float(e.get("width")), float(e.get("height")))
        for e in ET.fromstring(draw_images(tables, list("abc"), list("xyz"))).iter(f"{SVG}image")
    ]
    assert len(set(sizes)) == 1
    assert sizes[0][0] == pytest.approx(2 * sizes[0][1], rel=1e-4)
    assert [picture.shape[:2] for picture in pictures(draw_images(tables, list("abc"), list("xyz")))] == [(10, 20)] * 3


def test_the_script_draws_test_samples_of_the_fold_on_its_layouts(tmp_path):
    values = np.random.default_rng(3).random((6, 7)).astype(np.float32)
    parts = ["train", "test", "test", "test", "train", "train"]
    obs = pd.DataFrame({"label": list("xyxyzx"), "part": parts}, index=[f"s{i}" for i in range(6)])
    genes = [f"g{i}" for i in range(7)]
    write_h5ad(anndata.AnnData(values, obs=obs, var=pd.DataFrame(index=genes)), tmp_path / "features.h5ad")
    orders, layouts = ("alphabetical", "random"), []
    for order in orders:
        layouts.append(lay_out_genes(genes, order, "auto", 1))
        write_table(layouts[-1], tmp_path / f"{order}.tsv")
    inputs = {
        "features": str(tmp_path / "features.h5ad"),
        "layouts": [str(tmp_path / f"{order}.tsv") for order in orders],
    }
    settings = [{"order": order, "size": "auto"} for order in orders]
    outputs = {"images": str(tmp_path / "images.svg")}
    run_script(job_of("draw_images", tmp_path / "logs/draw_images.log", inputs, outputs, settings))
    drawing = (tmp_path / "images.svg").read_text()
    assert {"x", "s2", "y", "s1", "alphabetical order", "random pixels"} <= set(texts(drawing))
    assert "no test sample in this fold: z" in texts(drawing)
    shown = values[[2, 1]]
    expected = [
        shades(
            scatter_genes(row[None], t["row"].to_numpy(), t["column"].to_numpy(), (3, 3))[0], shown.min(), shown.max()
        )
        for row in shown
        for t in layouts
    ]
    for picture, numbers in zip(pictures(drawing), expected, strict=True):
        assert (picture[..., 3] == 0).sum() == 2  # 9 pixels, 7 genes
        np.testing.assert_array_equal(np.round(picture[..., 0] * 14)[numbers > 0], numbers[numbers > 0] - 1)
