"""The items of the table by name, in its order. What one needs beyond numpy is imported when it is run."""

from benchmarks.item import Item
from benchmarks.items import (
    gene_quantile,
    gexpnet,
    layout,
    read_ebpp,
    read_wide,
    recipe_chain,
    resnet50,
    sample_quantile,
    select_logistic,
)

_MODULES = [
    gene_quantile,
    sample_quantile,
    select_logistic,
    gexpnet,
    recipe_chain,
    read_ebpp,
    read_wide,
    resnet50,
    layout,
]
ITEMS: dict[str, Item] = {item.name: item for module in _MODULES for item in module.ITEMS}
