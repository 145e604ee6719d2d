"""Names of files that a recipe's settings give, for whoever must not import the recipes themselves."""


def layout_name(layout: dict) -> str:
    """Return the file name of a layout, e.g. `alphabetical-96x108`, `random-auto` or `correlation-tsne-102`."""
    size = layout["size"]
    method = [layout["method"]] if layout["order"] == "correlation" else []
    return "-".join([layout["order"], *method, "x".join(map(str, size)) if isinstance(size, list) else str(size)])
