"""The published heads of GexpNet. Light: the check of the config reads them at every start."""

# kernel, channels and activation as published; the fourth belongs to the four-head variant
HEADS = ((3, 8, "relu"), (5, 16, "gelu"), (7, 32, "silu"), (9, 64, "elu"))
