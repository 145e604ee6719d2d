"""What a recipe's settings say: names of files, and whether it learns. For whoever must not import the recipes."""

SAMPLE_WISE = frozenset({"cpm", "to_log2", "floor", "clip", "sample_rank"})  # a test compares it with the steps


def layout_name(layout: dict) -> str:
    """Return the file name of a layout, e.g. `alphabetical-96x108`, `random-auto` or `correlation-tsne-102`."""
    size = layout["size"]
    method = [layout["method"]] if layout["order"] == "correlation" else []
    return "-".join([layout["order"], *method, "x".join(map(str, size)) if isinstance(size, list) else str(size)])


def learns_nothing(steps: list) -> bool:
    """Tell whether a recipe, as in config.yaml, learns nothing from the cohort: all folds then have equal features."""
    return all((step if isinstance(step, str) else next(iter(step))) in SAMPLE_WISE for step in steps)
