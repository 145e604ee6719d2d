"""Stage models: GexpNet, image networks and reference models, and how they are trained."""
