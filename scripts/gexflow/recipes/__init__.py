"""Stage recipes: preprocessing steps, fitted on the training part of a fold only."""
