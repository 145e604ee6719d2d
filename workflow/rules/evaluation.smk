# evaluation: scores, intervals and tables made from predictions.


rule score_cohort:
    input:
        predictions=all_predictions,
        splits="results/{dataset}/splits.tsv",
    output:
        metrics="results/{dataset}/evaluation/metrics.tsv",
        summary="results/{dataset}/evaluation/summary.tsv",
        intervals="results/{dataset}/evaluation/intervals.tsv",
        merged="results/{dataset}/evaluation/merged.tsv",
        comparisons="results/{dataset}/evaluation/comparisons.tsv",
        per_class="results/{dataset}/evaluation/per_class.tsv",
        confusion="results/{dataset}/evaluation/confusion.tsv",
        calibration="results/{dataset}/evaluation/calibration.tsv",
        rejection="results/{dataset}/evaluation/rejection.tsv",
        temperatures="results/{dataset}/evaluation/temperatures.tsv",
    log:
        "results/logs/{dataset}/evaluation/score_cohort.log",
    benchmark:
        "results/benchmarks/{dataset}/evaluation/score_cohort.tsv"
    conda:
        "../../envs/gexflow.yaml"
    params:
        settings=score_settings,
        code=code("score_cohort.py"),
    script:
        "../../scripts/score_cohort.py"


rule compare_cohorts:
    input:
        intervals=of_ranked("results/{dataset}/evaluation/intervals.tsv"),
    output:
        intervals="results/comparison/intervals.tsv",
        ranks="results/comparison/ranks.tsv",
        tests="results/comparison/ranks.json",
    log:
        "results/logs/comparison/compare_cohorts.log",
    conda:
        "../../envs/gexflow.yaml"
    params:
        settings=family_settings,
        code=code("compare_cohorts.py"),
    script:
        "../../scripts/compare_cohorts.py"


# What the audit refits: on permuted labels, and on genes drawn at random. Nothing of a network is among its inputs.
rule refit_variant:
    input:
        cohort=COHORT,
        splits="results/{dataset}/splits.tsv",
        summary=variant_summary,
    output:
        draws="results/{dataset}~{variant}/evaluation/{model}/draws.tsv",
    log:
        "results/logs/{dataset}~{variant}/evaluation/{model}/refit_variant.log",
    benchmark:
        "results/benchmarks/{dataset}~{variant}/evaluation/{model}/refit_variant.tsv"
    wildcard_constraints:
        dataset=one_of(PLAN.chosen_datasets),
        variant=one_of(REFITTED),
        model=one_of(name for name in AUDIT.models if name in PLAN.networks(*FITTED)),
    conda:
        "../../envs/gexflow.yaml"
    threads: 4
    resources:
        mem_mb=by_attempt(16000),
        runtime=by_attempt(480),
    params:
        settings=variant_settings,
        code=code("refit_variant.py"),
    script:
        "../../scripts/refit_variant.py"


# The same with a network, where the config asks for it.
rule refit_network:
    input:
        cohort=COHORT,
        splits="results/{dataset}/splits.tsv",
        summary=variant_summary,
    output:
        draws="results/{dataset}~{variant}/evaluation/{model}/draws.tsv",
    log:
        "results/logs/{dataset}~{variant}/evaluation/{model}/refit_network.log",
    benchmark:
        "results/benchmarks/{dataset}~{variant}/evaluation/{model}/refit_network.tsv"
    wildcard_constraints:
        dataset=one_of(PLAN.chosen_datasets),
        variant=one_of(REFITTED),
        model=one_of(name for name in AUDIT.models if name in PLAN.networks("gexpnet")),
    conda:
        "../../envs/gexflow.yaml"
    threads: 4
    resources:
        gpu=1,
        gpu_jobs=1,
        mem_mb=by_attempt(16000),
        runtime=by_attempt(1440),
    params:
        settings=variant_settings,
        code=code("refit_network.py"),
    script:
        "../../scripts/refit_network.py"


rule audit_leak:
    input:
        cohort=COHORT,
        splits="results/{dataset}/splits.tsv",
    output:
        audit="results/{dataset}~{leak}/evaluation/audit.tsv",
    log:
        "results/logs/{dataset}~{leak}/evaluation/audit_leak.log",
    benchmark:
        "results/benchmarks/{dataset}~{leak}/evaluation/audit_leak.tsv"
    wildcard_constraints:
        dataset=one_of(PLAN.chosen_datasets),
        leak=one_of(LEAKS),
    conda:
        "../../envs/gexflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(16000),
        runtime=by_attempt(480),
    params:
        settings=leak_settings,
        code=code("audit_leak.py"),
    script:
        "../../scripts/audit_leak.py"


rule audit_cohort:
    input:
        cohort=COHORT,
        card="results/{dataset}/card.json",
        splits="results/{dataset}/splits.tsv",
        fitted=audited_recipes,
        predictions=audited_predictions,
        permuted=draws_of(PERMUTED),
        random=draws_of(RANDOM_GENES),
        leaks=planted_leaks,
    output:
        audit="results/{dataset}/evaluation/audit.tsv",
    log:
        "results/logs/{dataset}/evaluation/audit_cohort.log",
    benchmark:
        "results/benchmarks/{dataset}/evaluation/audit_cohort.tsv"
    wildcard_constraints:
        dataset=one_of(PLAN.chosen_datasets),
    conda:
        "../../envs/gexflow.yaml"
    # as many as prepare_folds has: it fits recipes and compares last digits
    threads: 4
    resources:
        mem_mb=by_attempt(16000),
        runtime=by_attempt(120),
    params:
        settings=audit_settings,
        code=code("audit_cohort.py"),
    script:
        "../../scripts/audit_cohort.py"


# A hold-out is opened by config alone, and the opening recorded before anything is predicted of it.
rule open_holdout:
    input:
        cohort=COHORT,
        splits="results/{dataset}/splits.tsv",
        facts="results/{dataset}/splits.json",
    output:
        opened="results/{dataset}/holdout/opened.json",
    log:
        "results/logs/{dataset}/holdout/open_holdout.log",
    wildcard_constraints:
        dataset=one_of(PLAN.holdouts),
    conda:
        "../../envs/gexflow.yaml"
    params:
        settings=opening_settings,
        code=code("open_holdout.py"),
    script:
        "../../scripts/open_holdout.py"


rule score_new_samples:
    input:
        predictions=new_predictions,
    output:
        metrics="results/{dataset}/{place}/metrics.tsv",
    log:
        "results/logs/{dataset}/{place}/score_new_samples.log",
    wildcard_constraints:
        dataset=one_of(PLAN.chosen_datasets),
        place="holdout|external/[^/]+",
    conda:
        "../../envs/gexflow.yaml"
    params:
        settings=new_score_settings,
        code=code("score_new_samples.py"),
    script:
        "../../scripts/score_new_samples.py"
