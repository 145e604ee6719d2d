"""GexFlow: tumour classification from gene expression. This library knows nothing of Snakemake."""

__version__ = "0.1.0"
