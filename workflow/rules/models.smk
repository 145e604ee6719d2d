# models: GexpNet, image networks and reference models, and how they are trained.


localrules:
    download_weights,


rule download_weights:
    output:
        f"{WEIGHTS}/{{file}}",
    log:
        "results/logs/weights/{file}.log",
    wildcard_constraints:
        file=one_of(PLAN.fetched_weights),
    conda:
        "../../envs/gexflow.yaml"
    resources:
        network=1,
    params:
        address=weights_address,
        details=weights_details,
    script:
        "../../scripts/download_file.py"


for COUNT, NAMES in PLAN.fold_counts.items():

    rule:
        name:
            fold_rule("train_gexpnet", COUNT)
        input:
            features=model_features,
            tuning=tuning_inputs,
        output:
            predictions=every_fold(PREDICTIONS, COUNT),
            model=every_fold("results/{dataset}/models/{model}/fold{fold}/model.safetensors", COUNT),
            history=every_fold("results/{dataset}/models/{model}/fold{fold}/history.tsv", COUNT),
            facts=every_fold("results/{dataset}/models/{model}/fold{fold}/training.json", COUNT),
        log:
            "results/logs/{dataset}/models/{model}/train_gexpnet.log",
        benchmark:
            "results/benchmarks/{dataset}/models/{model}/train_gexpnet.tsv"
        wildcard_constraints:
            dataset=one_of(NAMES),
            model=one_of(PLAN.networks("gexpnet", "mlp")),
        conda:
            "../../envs/gexflow.yaml"
        threads: 4
        resources:
            gpu=1,
            gpu_jobs=1,
            mem_mb=by_attempt(16000),
            runtime=by_attempt(480),
        params:
            settings=model_settings,
            steps=tuning_recipe,
            code=code("train_gexpnet.py"),
        script:
            "../../scripts/train_gexpnet.py"

    rule:
        name:
            fold_rule("fit_reference", COUNT)
        input:
            features=model_features,
            tuning=tuning_inputs,
        output:
            predictions=every_fold(PREDICTIONS, COUNT),
            facts=every_fold("results/{dataset}/models/{model}/fold{fold}/training.json", COUNT),
        log:
            "results/logs/{dataset}/models/{model}/fit_reference.log",
        benchmark:
            "results/benchmarks/{dataset}/models/{model}/fit_reference.tsv"
        wildcard_constraints:
            dataset=one_of(NAMES),
            model=one_of(PLAN.networks(*FITTED)),
        conda:
            "../../envs/gexflow.yaml"
        # one: such products are small, threads that wait for a busy core made them ten times slower, and their number
        # changes the last digits
        threads: 1
        resources:
            mem_mb=by_attempt(16000),
            runtime=by_attempt(480),
        params:
            settings=model_settings,
            steps=tuning_recipe,
            code=code("fit_reference.py"),
        script:
            "../../scripts/fit_reference.py"


# Where no fold changes the images, the frozen layers run once for all folds.
rule run_trunk:
    input:
        features="results/{dataset}/recipes/{recipe}/fold1/features.h5ad",
        layout="results/{dataset}/recipes/{recipe}/fold1/layouts/{layout}.tsv",
        weights=model_weights,
    output:
        features=temp("results/{dataset}/models/{model}/trunk/{recipe}.{layout}.bin"),
        about=temp("results/{dataset}/models/{model}/trunk/{recipe}.{layout}.json"),
    log:
        "results/logs/{dataset}/models/{model}/run_trunk.{recipe}.{layout}.log",
    benchmark:
        "results/benchmarks/{dataset}/models/{model}/run_trunk.{recipe}.{layout}.tsv"
    wildcard_constraints:
        model=one_of(PLAN.image_models),
        layout=one_of(PLAN.layouts),
    conda:
        "../../envs/gexflow.yaml"
    threads: 4
    resources:
        gpu=1,
        gpu_jobs=1,
        mem_mb=by_attempt(24000),
        disk_mb=50000,  # of the results' disk; 0 keeps nothing
        runtime=by_attempt(480),
    params:
        settings=model_settings,
        code=code("run_trunk.py"),
    script:
        "../../scripts/run_trunk.py"


rule finetune_backbone:
    input:
        features=fold_features,
        layout=fold_layout,
        weights=model_weights,
        trunk=ancient(shared_trunk),
        tuning=tuning_inputs,
    output:
        predictions=PREDICTIONS,
        model="results/{dataset}/models/{model}/fold{fold}/model.safetensors",
        history="results/{dataset}/models/{model}/fold{fold}/history.tsv",
        facts="results/{dataset}/models/{model}/fold{fold}/training.json",
    log:
        "results/logs/{dataset}/models/{model}/fold{fold}/finetune_backbone.log",
    benchmark:
        "results/benchmarks/{dataset}/models/{model}/fold{fold}/finetune_backbone.tsv"
    wildcard_constraints:
        model=one_of(PLAN.image_models),
        fold="[0-9]+",
    conda:
        "../../envs/gexflow.yaml"
    threads: 4
    resources:
        gpu=1,
        gpu_jobs=1,
        mem_mb=by_attempt(24000),
        disk_mb=50000,  # of scratch, for what the frozen layers give; 0 keeps nothing and lets them run in every epoch
        runtime=by_attempt(480),
    params:
        settings=model_settings,
        steps=tuning_recipe,
        code=code("finetune_backbone.py"),
    script:
        "../../scripts/finetune_backbone.py"


rule predict_holdout:
    input:
        cohort=cohort_file,
        splits="results/{dataset}/splits.tsv",
        opened=ancient("results/{dataset}/holdout/opened.json"),  # it has to be recorded; what it says changes nothing
        features=model_features,
        fitted=model_fitted,
        model=model_files,
        facts=model_facts,
        layouts=model_layouts,
        weights=model_weights,
    output:
        predictions="results/{dataset}/holdout/{model}/predictions.tsv",
    log:
        "results/logs/{dataset}/holdout/{model}/predict_holdout.log",
    wildcard_constraints:
        dataset=one_of(PLAN.holdouts),
        model=one_of(PLAN.chosen_models),
    conda:
        "../../envs/gexflow.yaml"
    # of a network, on the CPU, since one pass is no training; a reference model has one thread, as in fit_reference
    threads: 4
    resources:
        mem_mb=by_attempt(16000),
        runtime=by_attempt(240),
    params:
        settings=prediction_settings,
        code=code("predict_holdout.py"),
    script:
        "../../scripts/predict_holdout.py"


rule predict_external:
    input:
        cohort=cohort_file,
        target="results/{target}/cohort.h5ad",
        target_splits=target_splits,
        features=model_features,
        fitted=model_fitted,
        model=model_files,
        facts=model_facts,
        layouts=model_layouts,
        weights=model_weights,
    output:
        predictions="results/{dataset}/external/{target}/{model}/predictions.tsv",
        facts="results/{dataset}/external/{target}/{model}/facts.json",
    log:
        "results/logs/{dataset}/external/{target}/{model}/predict_external.log",
    wildcard_constraints:
        dataset=one_of(name for name, _ in PLAN.external),
        target=one_of(name for _, name in PLAN.external),
        model=one_of(PLAN.chosen_models),
    conda:
        "../../envs/gexflow.yaml"
    # of a network, on the CPU, since one pass is no training; a reference model has one thread, as in fit_reference
    threads: 4
    resources:
        mem_mb=by_attempt(16000),
        runtime=by_attempt(240),
    params:
        settings=prediction_settings,
        code=code("predict_external.py"),
    script:
        "../../scripts/predict_external.py"
