# attribution: which genes a trained network answers by.
for COUNT, NAMES in PLAN.fold_counts.items():

    rule:
        name:
            fold_rule("attribute_genes", COUNT)
        input:
            features=model_features,
            layouts=model_layouts,
            weights=model_weights,
            model=trained_networks,
        output:
            folds=every_fold("results/{dataset}/attribution/{model}/fold{fold}.h5ad", COUNT),
        log:
            "results/logs/{dataset}/attribution/{model}/attribute_genes.log",
        benchmark:
            "results/benchmarks/{dataset}/attribution/{model}/attribute_genes.tsv"
        wildcard_constraints:
            dataset=one_of(NAMES),
        conda:
            "../../envs/gexflow.yaml"
        threads: 4
        resources:
            gpu=1,
            gpu_jobs=1,
            mem_mb=by_attempt(16000),
            runtime=by_attempt(240),
        params:
            settings=attribution_settings,
            code=code("attribute_genes.py"),
        script:
            "../../scripts/attribute_genes.py"


rule draw_heatmaps:
    input:
        folds=attributed_folds,
        truth=truth_file,
    output:
        genes="results/{dataset}/attribution/{model}/genes.tsv",
        deltas="results/{dataset}/attribution/{model}/deltas.tsv",
        heatmaps="results/{dataset}/attribution/{model}/heatmaps.svg",
    log:
        "results/logs/{dataset}/attribution/{model}/draw_heatmaps.log",
    conda:
        "../../envs/gexflow.yaml"
    params:
        settings=drawing_settings,
        code=code("draw_heatmaps.py"),
    script:
        "../../scripts/draw_heatmaps.py"


rule score_recovery:
    input:
        folds=attributed_folds,
        features=model_features,
        truth="results/{dataset}/simulated/truth.json",
    output:
        recovery="results/{dataset}/attribution/{model}/recovery.tsv",
    log:
        "results/logs/{dataset}/attribution/{model}/score_recovery.log",
    conda:
        "../../envs/gexflow.yaml"
    params:
        code=code("score_recovery.py"),
    script:
        "../../scripts/score_recovery.py"
