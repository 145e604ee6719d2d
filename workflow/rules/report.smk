# report: one HTML page that shows the whole study.


rule write_report:
    input:
        cards=of_cohorts("results/{dataset}/card.json"),
        card_figures=of_cohorts("results/{dataset}/card.svg"),
        splits=of_datasets("results/{dataset}/splits.json"),
        shared_samples="results/comparison/shared_samples.tsv",
        ranks="results/comparison/ranks.tsv",
        rank_tests="results/comparison/ranks.json",
        metrics=of_datasets("results/{dataset}/evaluation/metrics.tsv"),
        summary=of_datasets("results/{dataset}/evaluation/summary.tsv"),
        intervals=of_datasets("results/{dataset}/evaluation/intervals.tsv"),
        merged=of_datasets("results/{dataset}/evaluation/merged.tsv"),
        comparisons=of_datasets("results/{dataset}/evaluation/comparisons.tsv"),
        per_class=of_datasets("results/{dataset}/evaluation/per_class.tsv"),
        confusion=of_datasets("results/{dataset}/evaluation/confusion.tsv"),
        calibration=of_datasets("results/{dataset}/evaluation/calibration.tsv"),
        rejection=of_datasets("results/{dataset}/evaluation/rejection.tsv"),
        temperatures=of_datasets("results/{dataset}/evaluation/temperatures.tsv"),
        audits=of_ranked("results/{dataset}/evaluation/audit.tsv"),
        genes=of_attributed("genes.tsv"),
        heatmaps=of_attributed("heatmaps.svg"),
        deltas=of_attributed("deltas.tsv"),
        recovery=of_attributed("recovery.tsv", only_simulated=True),
        truth=of_simulated("truth.json"),
        summaries=of_recipes("summary.tsv"),
        stabilities=of_recipes("stability.json"),
        trainings=of_trained("training.json"),
        histories=of_trained("history.tsv", only_networks=True),
        images=of_images(),
        new_metrics=of_new("metrics.tsv"),
        external_facts=of_external_models("facts.json"),
        openings=expand("results/{dataset}/holdout/opened.json", dataset=PLAN.holdouts),
        template=BASE / "workflow/report/index.html.j2",
        style=BASE / "workflow/report/style.css",
    output:
        page="results/report/index.html",
    log:
        "results/logs/report/write_report.log",
    conda:
        "../../envs/gexflow.yaml"
    params:
        settings=report_settings,
        benchmarks=benchmark_files,
        code=code("write_report.py"),
    script:
        "../../scripts/write_report.py"
