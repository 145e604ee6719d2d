# recipes: preprocessing steps, fitted on the training part of a fold only.
for COUNT, NAMES in PLAN.fold_counts.items():

    rule:
        name:
            fold_rule("prepare_folds", COUNT)
        input:
            cohort=cohort_file,
            splits="results/{dataset}/splits.tsv",
        output:
            features=every_fold(FEATURES, COUNT),
            fitted=every_fold(FITTED_RECIPE, COUNT),
            summary="results/{dataset}/recipes/{recipe}/summary.tsv",
            times_kept="results/{dataset}/recipes/{recipe}/stability.tsv",
            stability="results/{dataset}/recipes/{recipe}/stability.json",
        log:
            "results/logs/{dataset}/recipes/{recipe}/prepare_folds.log",
        benchmark:
            "results/benchmarks/{dataset}/recipes/{recipe}/prepare_folds.tsv"
        wildcard_constraints:
            dataset=one_of(NAMES),
        conda:
            "../../envs/gexflow.yaml"
        threads: 4
        resources:
            mem_mb=by_attempt(16000),
            runtime=by_attempt(240),
        params:
            settings=recipe_settings,
            fit_on=fitted_on,
            code=code("prepare_folds.py"),
        script:
            "../../scripts/prepare_folds.py"

    rule:
        name:
            fold_rule("lay_out_genes", COUNT)
        input:
            features=every_fold(FEATURES, COUNT),
        output:
            layouts=every_fold(LAYOUT, COUNT),
        log:
            "results/logs/{dataset}/recipes/{recipe}/lay_out_genes.{layout}.log",
        benchmark:
            "results/benchmarks/{dataset}/recipes/{recipe}/lay_out_genes.{layout}.tsv"
        wildcard_constraints:
            dataset=one_of(NAMES),
            layout=one_of(PLAN.layouts),
        conda:
            "../../envs/gexflow.yaml"
        # one: t-SNE turns last digits, which change with the number of threads, into another map; ten seconds a fold of
        # 9,000 samples x 10,000 genes, and the memory, are for a correlation layout alone
        threads: 1
        resources:
            mem_mb=by_attempt(8000),
            runtime=by_attempt(60),
        params:
            settings=layout_settings,
            code=code("lay_out_genes.py"),
        script:
            "../../scripts/lay_out_genes.py"


rule draw_images:
    input:
        features="results/{dataset}/recipes/{recipe}/fold1/features.h5ad",
        layouts=drawn_layouts,
    output:
        images="results/{dataset}/recipes/{recipe}/images/{layout}.svg",
    log:
        "results/logs/{dataset}/recipes/{recipe}/draw_images.{layout}.log",
    wildcard_constraints:
        layout=one_of(PLAN.layouts),
    conda:
        "../../envs/gexflow.yaml"
    params:
        settings=image_settings,
        code=code("draw_images.py"),
    script:
        "../../scripts/draw_images.py"
