"""Names of files that a recipe's settings give, for whoever must not import the recipes themselves."""


def layout_name(layout: dict) -> str:
    """Return the file name of a layout, e.g. `alphabetical-102` or `random-auto`."""
    return f"{layout['order']}-{layout['size']}"
