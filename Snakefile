# GexFlow: tumour classification from gene expression, from source files to one HTML report.
# The six stages below are the map of everything: rules, library, results, tests and report carry their names.
from snakemake.utils import min_version

min_version("9.0")


include: "workflow/rules/common.smk"
include: "workflow/rules/cohorts.smk"
include: "workflow/rules/recipes.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/attribution.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        "results/report/index.html",
        "results/comparison/intervals.tsv",
