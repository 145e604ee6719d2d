"""What is known of a public dataset beforehand, against what was read."""

from collections import Counter


def compare_counts(expected: dict[str, int], labels: list[str]) -> tuple[list[str], list[str]]:
    """Compare the expected samples of each class with those read.

    Parameters
    ----------
    expected : dict
        Samples of each label; an empty one expects nothing.
    labels : list of str
        One a sample.

    Returns
    -------
    differences : list of str
        Such as "BRCA: 300 expected, 299 read".
    notes : list of str
    """
    if not expected:
        return [], []
    found = Counter(labels)
    names = sorted({str(name) for name in expected} | set(found))
    wanted = {str(name): count for name, count in expected.items()}
    differences = [
        f"{name}: {wanted.get(name, 0)} expected, {found[name]} read"
        for name in names
        if wanted.get(name, 0) != found[name]
    ]
    if not differences:
        return [], ["The classes have the expected numbers of samples."]
    return differences, [f"The classes differ from what is expected of this dataset ({'; '.join(differences)})."]
