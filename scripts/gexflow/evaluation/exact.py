"""Exact paired tests: McNemar's, and sign flips over groups, which is the same where each group has one sample."""

import numpy as np


def discordant_pairs(differences: np.ndarray) -> tuple[int, int]:
    """Return how many differences are above and how many below zero."""
    return int((differences > 0).sum()), int((differences < 0).sum())


def sign_flip_p(differences: np.ndarray) -> float:
    """Return the two-sided p of a sum of differences whose signs are as likely one way as the other.

    The exact distribution of the sum, by adding one difference after the other: no draws. With differences of -1, 0
    and 1 alone this is McNemar's exact test.

    Parameters
    ----------
    differences : int array (groups,)
        Of each group: samples that only the first model named right, minus those that only the second did.

    Returns
    -------
    float
        1 where no group differs.
    """
    sizes = np.abs(differences[differences != 0])
    reach = int(sizes.sum())
    chances = np.zeros(2 * reach + 1)  # of the sums -reach to reach
    chances[reach] = 1.0
    for size in sizes:
        flipped = np.zeros_like(chances)
        flipped[size:] = chances[: len(chances) - size] / 2
        flipped[: len(chances) - size] += chances[size:] / 2
        chances = flipped
    found = abs(int(differences.sum()))
    sums = np.arange(-reach, reach + 1)
    return float(min(1.0, chances[np.abs(sums) >= found].sum()))
