"""layout-10k and images-10k: a pixel for every gene, and images from it, beside pyDeepInsight."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.item import Arrays, Item, Outcome, Settings, largest_difference
from benchmarks.simulate import TCGA_SIZES, Population, draw_labels

SEED = 32
BLOCK = 32  # samples that become images at once: a batch of training
_COMPARED = 400  # every so many-th sample is handed to the comparison
_LOOKED_AT = 2000  # genes whose neighbours the comparison looks at
_NEIGHBOURS = 8


def make(folder: Path, settings: Settings) -> dict:
    """Draw log2 expression, brought to 0..1 as a recipe for images does."""
    rng = np.random.default_rng(SEED)
    labels = draw_labels(settings["samples"], TCGA_SIZES[: settings["classes"]], rng)
    values = Population.draw(settings["genes"], settings["classes"], rng).log2(labels, rng)
    values -= values.min()
    values /= values.max()
    np.save(folder / "values.npy", values)
    return {"input_bytes": values.nbytes}


def load(folder: Path) -> np.ndarray:
    """Return values, float32 (samples, genes)."""
    return np.load(folder / "values.npy")


# --- layout-10k


def ours_layout(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Fit a correlation layout with its default settings."""
    from gexflow.recipes.layouts import lay_out_genes

    values = load(folder)
    names = [f"G{number}" for number in range(values.shape[1])]
    lay_out_genes(names[:50], "correlation", "auto", SEED, values=values[:100, :50])

    def run() -> Outcome:
        layout = lay_out_genes(names, "correlation", settings["side"], SEED, values=values)
        return Outcome({"pixels": layout[["row", "column"]].to_numpy()})

    return run


def peer_layout(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Fit pyDeepInsight's transformer with the t-SNE that it takes for its own, seeded."""
    from pyDeepInsight import ImageTransformer
    from sklearn.manifold import TSNE

    values, side = load(folder), settings["side"]
    embedding = TSNE(n_components=2, metric="cosine", random_state=SEED)
    transformer = ImageTransformer(embedding, discretization="bin", pixels=(side, side))
    return lambda: Outcome({"pixels": transformer.fit(values).coords()})


def compare_layouts(ours: Arrays, peer: Arrays, folder: Path, settings: Settings) -> dict:
    """GexFlow has to give every gene a pixel of its own, and to keep correlated genes as close as its peer."""
    values = load(folder)
    values = values - values.mean(axis=0)
    values /= np.sqrt((values**2).sum(axis=0))
    quality = {side: layout_quality(values, arrays["pixels"]) for side, arrays in (("ours", ours), ("peer", peer))}
    facts = {
        side: found | {"sharing": share_sharing(arrays["pixels"])}
        for (side, found), arrays in zip(quality.items(), (ours, peer), strict=True)
    }
    mine, theirs = facts["ours"], facts["peer"]
    words = (
        f"genes that share a pixel {mine['sharing']:.0%} and {theirs['sharing']:.0%}; correlation of neighbours "
        f"{mine['neighbours']:.3f} and {theirs['neighbours']:.3f}"
    )
    close = mine["neighbours"] >= 0.95 * theirs["neighbours"]
    return {"agrees": bool(mine["sharing"] == 0 and close), "words": words, **facts}


def layout_quality(standard: np.ndarray, pixels: np.ndarray) -> dict[str, float]:
    """Say how well a layout keeps correlated genes together.

    Parameters
    ----------
    standard : float array (samples, genes)
        Genes of mean 0 and length 1: their products are correlations.
    pixels : int array (genes, 2)

    Returns
    -------
    neighbours : mean correlation of a gene with the eight genes nearest to it on the image
    rank : rank correlation of distance on the image with 1 - correlation, over random pairs
    """
    from scipy.spatial import cKDTree
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    genes = len(pixels)
    looked_at = rng.choice(genes, size=min(genes, _LOOKED_AT), replace=False)
    # genes on one pixel or at one distance come in any order: a little noise draws lots, and moves nothing else
    shaken = pixels + rng.uniform(-1e-3, 1e-3, pixels.shape)
    _, near = cKDTree(shaken).query(shaken[looked_at], min(_NEIGHBOURS + 1, genes))
    by_gene = np.ascontiguousarray(standard.T)
    to_near = [by_gene[others[1:]] @ by_gene[gene] for gene, others in zip(looked_at, near, strict=True)]
    first, second = rng.integers(genes, size=(2, 10 * _LOOKED_AT))
    first, second = first[first != second], second[first != second]
    r = np.concatenate([np.einsum("ij,ij->i", by_gene[a], by_gene[b]) for a, b in _batches(first, second)])
    distance = np.linalg.norm(pixels[first] - pixels[second], axis=1)
    return {"neighbours": float(np.mean(to_near)), "rank": float(spearmanr(distance, 1 - r).statistic)}


def _batches(first: np.ndarray, second: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(first[start : start + 500], second[start : start + 500]) for start in range(0, len(first), 500)]


def share_sharing(pixels: np.ndarray) -> float:
    """Return the share of the genes that share their pixel with another one."""
    _, place, count = np.unique(pixels, axis=0, return_inverse=True, return_counts=True)
    return float((count[place.ravel()] > 1).mean())


# --- images-10k


def random_pixels(settings: Settings) -> np.ndarray:
    """Return a pixel for every gene, int (genes, 2); both sides get these."""
    places = np.random.default_rng(SEED).permutation(settings["side"] ** 2)[: settings["genes"]]
    return np.stack(np.divmod(places, settings["side"]), axis=1)


def ours_images(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Make float32 images of three channels, normalised for the network, in blocks, as training takes them."""
    import torch

    from gexflow.models.backbones import IMAGENET
    from gexflow.models.gene_image import GeneImage

    torch.set_num_threads(settings["threads"])
    side, pixels = settings["side"], random_pixels(settings)
    values = torch.from_numpy(load(folder))
    layer = GeneImage(pixels[:, 0], pixels[:, 1], (side, side), None, *IMAGENET)
    chosen = torch.arange(0, len(values), _COMPARED)

    @torch.inference_mode()
    def run() -> Outcome:
        start = time.perf_counter()
        for block in values.split(BLOCK):
            layer(block)
        seconds = time.perf_counter() - start
        facts = {"seconds_of_a_copy": _seconds_of_a_copy(values, side)}
        images = layer(values[chosen]) * layer.deviation + layer.mean
        return Outcome({"images": images.numpy()}, facts, seconds)

    layer(values[:BLOCK])
    return run


def _seconds_of_a_copy(values, side: int) -> float:
    """Time a copy of every value to three channels, in the same blocks: what any way of making images has to do."""
    target = values.new_zeros(BLOCK, 3, side * side)
    start = time.perf_counter()
    for block in values.split(BLOCK):
        target[: len(block), :, : block.shape[1]] = block[:, None]
    return time.perf_counter() - start


def peer_images(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Let pyDeepInsight make tensors of three channels from all samples at once; it normalises nothing."""
    from pyDeepInsight import ImageTransformer
    from sklearn.decomposition import PCA

    values, side = load(folder), settings["side"]
    transformer = ImageTransformer(PCA(2), pixels=(side, side))
    transformer._coords = random_pixels(settings)  # so that both draw the same images; fit would find others

    def run() -> Outcome:
        images = transformer.transform(values, img_format="pytorch")
        return Outcome({"images": images[::_COMPARED].float().numpy()})

    transformer.transform(values[:10], img_format="pytorch")
    return run


def compare_images(ours: Arrays, peer: Arrays, folder: Path, settings: Settings) -> dict:
    """Pixels equal to 1e-6, GexFlow's after its normalisation is undone."""
    largest = largest_difference(ours["images"], peer["images"])
    return {"agrees": largest <= 1e-6, "words": f"pixels to {largest:.1e}", "largest_difference": largest}


ITEMS = [
    Item(
        name="layout-10k",
        about="a layout of 10,000 genes on 102 x 102 pixels, learned from 9,000 samples",
        data="layout",
        make=make,
        sizes={
            "full": {"samples": 9000, "genes": 10000, "classes": 33, "side": 102},
            "small": {"samples": 100, "genes": 150, "classes": 3, "side": 13},
        },
        ours=ours_layout,
        peers={"pyDeepInsight, t-SNE by cosine distance": peer_layout},
        compare=compare_layouts,
        at_least=3,
        aim="10 x",
        peer_package="pyDeepInsight",
    ),
    Item(
        name="images-10k",
        about="images of 10,000 samples x 10,000 genes, three channels",
        data="images",
        make=make,
        sizes={
            "full": {"samples": 10000, "genes": 10000, "classes": 33, "side": 102},
            "small": {"samples": 600, "genes": 150, "classes": 3, "side": 13},
        },
        ours=ours_images,
        peers={"pyDeepInsight, all samples at once": peer_images},
        compare=compare_images,
        at_least=20,
        aim="as fast as a copy",
        peer_package="pyDeepInsight",
    ),
]
