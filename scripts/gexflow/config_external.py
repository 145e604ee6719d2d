"""Whether an external test of the config can be made, and which datasets are only tested.

Light: Snakemake reads it at every start and in every job.
"""

from gexflow.errors import InputError


def only_tested(config: dict) -> list[str]:
    """Return the datasets that are read and predicted for external tests alone: `run.datasets` does not name them."""
    names = dict.fromkeys(entry["test"] for entry in config["external"])
    return [name for name in names if name not in config["run"]["datasets"]]


def check_external(config: dict) -> None:
    """Refuse tests within a family, of models or training datasets that are not run, or listed twice.

    A dataset that is only tested has no splits: a hold-out of its own entry is refused, since none could be locked.

    Raises
    ------
    InputError
        With two lines: what is wrong and where; what to write instead.
    """
    run, datasets, seen = config["run"], config["datasets"], set()
    for number, entry in enumerate(config["external"]):
        place, train, test = f"external.{number}", entry["train"], entry["test"]
        if train not in run["datasets"]:
            raise InputError(f"config: {place}.train is {train}, which is not run\nadd it to run.datasets")
        if (train, test) in seen:
            raise InputError(f"config: {place} tests {train} on {test} once more\nleave one entry with all its models")
        seen.add((train, test))
        families = [datasets[name].get("family", name) for name in (train, test)]
        if families[0] == families[1]:
            raise InputError(
                f"config: {place} tests {train} on {test}, but both are of the family {families[0]}: they share "
                "patients\nchoose a dataset of another family"
            )
        if test not in run["datasets"] and datasets[test].get("holdout", {"share": 0}).get("share") != 0:
            raise InputError(
                f"config: datasets.{test}.holdout locks samples away, but {test} is only a test: it has no splits, and "
                f"all its samples are predicted\nremove the hold-out, or add {test} to run.datasets"
            )
        here = set(datasets[train].get("models", run["models"])) & set(run["models"])
        missing = [name for name in entry.get("models", []) if name not in here]
        if missing:
            raise InputError(
                f"config: {place}.models names {missing[0]}, which does not run on {train}\n"
                "add it to run.models and to the dataset's models, or remove it here"
            )
