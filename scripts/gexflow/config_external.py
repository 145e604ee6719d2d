"""Whether an external test of the config can be made.

Light: Snakemake reads it at every start and in every job.
"""

from gexflow.errors import InputError


def check_external(config: dict) -> None:
    """Refuse tests within a family, of datasets or models that are not run, or listed twice.

    Raises
    ------
    InputError
        With two lines: what is wrong and where; what to write instead.
    """
    run, datasets, seen = config["run"], config["datasets"], set()
    for number, entry in enumerate(config["external"]):
        place, train, test = f"external.{number}", entry["train"], entry["test"]
        for key in ("train", "test"):
            if entry[key] not in run["datasets"]:
                raise InputError(f"config: {place}.{key} is {entry[key]}, which is not run\nadd it to run.datasets")
        if (train, test) in seen:
            raise InputError(f"config: {place} tests {train} on {test} once more\nleave one entry with all its models")
        seen.add((train, test))
        families = [datasets[name].get("family", name) for name in (train, test)]
        if families[0] == families[1]:
            raise InputError(
                f"config: {place} tests {train} on {test}, but both are of the family {families[0]}: they share "
                "patients\nchoose a dataset of another family"
            )
        here = set(datasets[train].get("models", run["models"])) & set(run["models"])
        missing = [name for name in entry.get("models", []) if name not in here]
        if missing:
            raise InputError(
                f"config: {place}.models names {missing[0]}, which does not run on {train}\n"
                "add it to run.models and to the dataset's models, or remove it here"
            )
