"""Stage cohorts: source files become one samples x genes table with labels, groups and folds."""
