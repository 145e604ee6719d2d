"""What is known of a public dataset beforehand, against what was read: said by the reading's log and by the report."""


def compare_counts(expected: dict[str, int], found: dict[str, int]) -> list[str]:
    """Compare the expected samples of each class with those read.

    Parameters
    ----------
    expected, found : dict
        Samples of each class; an empty `expected` expects nothing.

    Returns
    -------
    list of str
        A difference each, such as "BRCA: 300 expected, 299 read".
    """
    if not expected:
        return []
    wanted = {str(name): count for name, count in expected.items()}
    return [
        f"{name}: {wanted.get(name, 0)} expected, {found.get(name, 0)} read"
        for name in sorted({*wanted, *found})
        if wanted.get(name, 0) != found.get(name, 0)
    ]
