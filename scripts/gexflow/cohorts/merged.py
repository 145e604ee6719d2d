"""The merged view of chosen labels, such as COAD and READ as COADREAD: labels stay, both views are counted."""

from gexflow.errors import InputError, nearest


def check_merge(merge: dict[str, list[str]], labels: list[str], dataset: str) -> dict[str, list[str]]:
    """Check a merged view against the labels of the cohort.

    Parameters
    ----------
    merge : dict
        Merged label: the labels that it stands for.
    labels : list of str
        One a sample, after the label rule.
    dataset : str
        For messages.

    Returns
    -------
    dict
        The same, with texts for numbers.

    Raises
    ------
    InputError
        A label is unknown or stands in two merged ones, or a merged one has the name of a label outside it.
    """
    known, taken = sorted(set(labels)), {}
    view = {str(merged): [str(part) for part in parts] for merged, parts in merge.items()}
    for merged, parts in view.items():
        key = f"datasets.{dataset}.merge.{merged}"
        for part in parts:
            if part not in known:
                raise InputError(f'{key} names "{part}", which is no label of the cohort; {nearest(part, known)}')
            if part in taken:
                raise InputError(f'{key} names "{part}", which {taken[part]} has already: take it out of one of them.')
            taken[part] = key
        if merged in known and merged not in parts:
            raise InputError(f"{key} has the name of a label that it doesn't hold: give it another name.")
    return view


def merge_labels(labels: list[str], view: dict[str, list[str]]) -> list[str]:
    """Return the labels of the merged view, one a sample."""
    merged = {part: name for name, parts in view.items() for part in parts}
    return [merged.get(label, label) for label in labels]
