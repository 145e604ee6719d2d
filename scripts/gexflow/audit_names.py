"""Names of the variants of a dataset that the audit refits or plants, for whoever must not import the audit itself."""

PERMUTED, RANDOM_GENES = "permuted", "random"  # labels permuted, genes drawn at random
# Leaks that are planted to test the audit: `{dataset}~leak-selection` and so on.
LEAK_SELECTION = "leak-selection"  # genes chosen once, on all samples, before the folds
LEAK_LABELS = "leak-labels"  # the label among the genes, as a number
LEAK_GROUPS = "leak-groups"  # folds that part the samples of a patient
LEAK_DISTRIBUTION = "leak-distribution"  # what comes before the choice of genes is fitted on test samples too
LEAKS = (LEAK_SELECTION, LEAK_LABELS, LEAK_GROUPS, LEAK_DISTRIBUTION)
