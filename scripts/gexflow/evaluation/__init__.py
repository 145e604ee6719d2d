"""Stage evaluation: scores, intervals and tables made from predictions."""
