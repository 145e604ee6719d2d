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
