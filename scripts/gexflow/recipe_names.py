"""What a recipe's settings say: names of files, whether it learns or chooses. For whoever must not import recipes."""

SAMPLE_WISE = frozenset({"cpm", "to_log2", "floor", "clip", "sample_rank"})  # a test compares it with the steps


def layout_name(layout: dict) -> str:
    """Return the file name of a layout, e.g. `alphabetical-96x108`, `random-auto` or `correlation-tsne-102`."""
    size = layout["size"]
    method = [layout["method"]] if layout["order"] == "correlation" else []
    return "-".join([layout["order"], *method, "x".join(map(str, size)) if isinstance(size, list) else str(size)])


def learns_nothing(steps: list) -> bool:
    """Tell whether a recipe, as in config.yaml, learns nothing from the cohort: all folds then have equal features."""
    return all((step if isinstance(step, str) else next(iter(step))) in SAMPLE_WISE for step in steps)


def with_random_genes(steps: list[dict], keep: int, seed: int) -> list[dict]:
    """Return a recipe with random genes: one random draw in place of all its steps that choose genes.

    Parameters
    ----------
    steps : list of {name: parameters}
        Of a recipe that chooses genes (see `chooses_genes`).
    keep, seed : int
        How many genes, and which draw.
    """
    places = [place for place, step in enumerate(steps) if _chooses(step)]
    draw = {"select_random": {"keep": keep, "seed": seed}}
    kept = [(place, step) for place, step in enumerate(steps) if place not in places[1:]]
    return [draw if place == places[0] else step for place, step in kept]


def chooses_genes(steps: list[dict]) -> bool:
    """Tell whether a recipe has a step that chooses genes by their values."""
    return any(map(_chooses, steps))


def _chooses(step: dict) -> bool:
    return next(iter(step)).startswith("select_")
