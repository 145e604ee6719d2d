"""Stage attribution: which genes a trained network answers by."""
