"""The jobs of a study whose cost the report shows, by their names: the paths of their benchmarks, without the suffix.

Light: Snakemake reads it at every start and in every job.
"""

from gexflow.network_names import FITTED
from gexflow.plan import Plan
from gexflow.plan_audit import REFITTED, AuditPlan
from gexflow.site_variants import is_by_site


def costly_jobs(plan: Plan, audit: AuditPlan) -> list[str]:
    """Return the names of all jobs behind the report that leave a benchmark."""
    jobs = [f"{dataset}/simulate_cohort" for dataset in plan.named_datasets if plan.simulated(dataset)]
    jobs += [f"{dataset}/read_cohort" for dataset in plan.only_tested]
    for dataset in plan.datasets:
        jobs += [f"{dataset}/evaluation/score_cohort"] + [f"{dataset}/read_cohort"] * (not is_by_site(dataset))
        jobs += [f"{dataset}/recipes/{name}" for name in _recipe_jobs(plan, dataset)]
        jobs += [
            f"{dataset}/models/{name}" for model in plan.models_of(dataset) for name in _jobs(plan, dataset, model)
        ]
        jobs += [f"{dataset}/attribution/{model}/attribute_genes" for model in plan.attributed_models(dataset)]
    for dataset in plan.chosen_datasets:
        refits = [(variant, model) for variant in REFITTED for model in audit.refitted_models(dataset, variant)]
        jobs += [f"{dataset}~{variant}/evaluation/{model}/{_refit_job(plan, model)}" for variant, model in refits]
        jobs += [f"{dataset}~{leak}/evaluation/audit_leak" for leak in audit.leaks_of(dataset)]
        jobs += [f"{dataset}/evaluation/audit_cohort"]
    return jobs


def _recipe_jobs(plan: Plan, dataset: str) -> list[str]:
    """Return the jobs of the recipes of a dataset, and of the layouts on them."""
    recipes = {model: plan.recipe_of(dataset, model) for model in plan.models_of(dataset)}
    layouts = {model: plan.layout_of(model) for model in recipes if model in plan.image_models}
    prepared = [f"{recipe}/prepare_folds" for recipe in recipes.values()]
    laid_out = [f"{recipes[model]}/lay_out_genes.{layout}" for model, layout in layouts.items()]
    return sorted({*prepared, *laid_out})


def _jobs(plan: Plan, dataset: str, model: str) -> list[str]:
    """Return the jobs that train a model on a dataset."""
    if model not in plan.image_models:
        return [f"{model}/{'fit_reference' if model in plan.networks(*FITTED) else 'train_gexpnet'}"]
    shared = plan.trunk_name(dataset, model)
    folds = [f"{model}/fold{fold}/finetune_backbone" for fold in range(1, plan.fold_count(dataset) + 1)]
    return ([f"{model}/run_trunk.{shared}"] if shared else []) + folds


def _refit_job(plan: Plan, model: str) -> str:
    return "refit_variant" if model in plan.networks(*FITTED) else "refit_network"
