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


# A hold-out is opened by config alone, and the opening recorded before anything is predicted of it.
rule open_holdout:
    input:
        facts="results/{dataset}/splits.json",
    output:
        opened="results/{dataset}/holdout/opened.json",
    log:
        "results/logs/{dataset}/holdout/open_holdout.log",
    wildcard_constraints:
        dataset=one_of(HOLDOUTS),
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
        dataset=one_of(CHOSEN_DATASETS),
        place="holdout|external/[^/]+",
    conda:
        "../../envs/gexflow.yaml"
    params:
        settings=new_score_settings,
        code=code("score_new_samples.py"),
    script:
        "../../scripts/score_new_samples.py"
