"""What the audit of a study refits and plants: its models, and the settings of every refit.

Light: Snakemake reads it at every start and in every job.
"""

from typing import Any

from gexflow.audit_names import LEAKS, PERMUTED, RANDOM_GENES
from gexflow.network_names import FITTED
from gexflow.plan import Plan
from gexflow.recipe_names import chooses_genes

REFITTED = (PERMUTED, RANDOM_GENES)


class AuditPlan:
    """The answers of the config's part `evaluation.audit`, by the names of datasets and models.

    Parameters
    ----------
    plan : Plan

    Attributes
    ----------
    models : list of str
        The audited models that run at all.
    """

    def __init__(self, plan: Plan):
        self._plan = plan
        self._audit = plan.study["evaluation"]["audit"]
        self.models = [name for name in self._audit["models"] if name in plan.chosen_models]

    def models_of(self, dataset: str) -> list[str]:
        """Return the models that the audit refits on a dataset."""
        return [name for name in self.models if name in self._plan.models_of(dataset)]

    def refitted_models(self, dataset: str, variant: str) -> list[str]:
        """Return the models whose refits of a kind are asked for; random genes only where a recipe chooses any."""
        if not self._count(variant):
            return []
        models = self.models_of(dataset)
        return [name for name in models if variant == PERMUTED or chooses_genes(self._plan.steps_of(dataset, name))]

    def leaking_model(self, dataset: str) -> str:
        """Return the reference model into whose pipeline leaks are planted; "" where none is audited."""
        return next((name for name in self.models_of(dataset) if name in self._plan.networks(*FITTED)), "")

    def leaks_of(self, dataset: str) -> list[str]:
        """Return the leaks that are planted into a dataset."""
        wanted = self._audit["planted_leaks"] and self._audit["permutations"] and self.leaking_model(dataset)
        return list(LEAKS) if wanted else []

    def variant_settings(self, dataset: str, variant: str, model: str) -> dict[str, Any]:
        """Return what decides the refits of a model on permuted labels or random genes."""
        return {**self.refit_settings(dataset, model), "count": self._count(variant)}

    def leak_settings(self, dataset: str) -> dict[str, Any]:
        """Return what decides the refits on planted leaks, untuned: what leaks is elsewhere."""
        model = self.leaking_model(dataset)
        settings = self.refit_settings(dataset, model)
        return {**settings, "model": _untuned(settings["model"]), "name": model, "count": self._audit["permutations"]}

    def refit_settings(self, dataset: str, model: str) -> dict[str, Any]:
        """Return what decides a refit: recipe, model and folds. A change of another model is none of it.

        A network is refitted untuned: inner folds for every permutation would take many times as long.
        """
        plan = self._plan
        own = plan.model_settings(model)
        how = {"folds": plan.folds_of(dataset), "seed": plan.run["seed"], "validation": plan.run["validation"]}
        how["model"] = own if own["network"] in FITTED else _untuned(own)
        return {**how, "steps": plan.steps_of(dataset, model)}

    def settings_of(self, dataset: str) -> dict[str, Any]:
        """Return what decides the audit of a dataset, beside its refits."""
        plan = self._plan
        settings = {"models": self.models_of(dataset), "leaks": self.leaks_of(dataset), "strict": self._audit["strict"]}
        settings |= {variant: self.refitted_models(dataset, variant) for variant in REFITTED}
        settings["random_genes"] = self._count(RANDOM_GENES)
        settings["recipes"] = {name: plan.study["recipes"][name] for name in plan.recipes_of(dataset)}
        settings |= {"folds": plan.folds_of(dataset), "repeats": plan.repeats_of(dataset)}
        return {**settings, "seed": plan.run["seed"]}

    def _count(self, variant: str) -> int:
        return self._audit["permutations" if variant == PERMUTED else "random_genes"]


def _untuned(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in ("tune", "inner_folds", "inner_seed")}
