"""Names of files that a recipe's settings give, for whoever must not import the recipes themselves."""


def layout_name(layout: dict) -> str:
    """Return the file name of a layout, e.g. `alphabetical-102` or `random-auto`."""
    return f"{layout['order']}-{layout['size']}"


# steps that look at one sample at a time and learn nothing; a test keeps this list equal to the classes
SAMPLE_WISE = ("clip", "cpm", "floor", "sample_rank", "to_log2")


def learns_nothing(steps: list) -> bool:
    """Tell a recipe, as in the config, that no fold changes: it learns nothing from the samples."""
    return all(name in SAMPLE_WISE for step in steps for name in step)
