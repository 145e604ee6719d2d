# models: GexpNet, image networks and reference models, and how they are trained.


localrules:
    download_weights,


rule download_weights:
    output:
        f"{WEIGHTS}/{{file}}",
    log:
        "results/logs/weights/{file}.log",
    wildcard_constraints:
        file=one_of(row["file"] for row in WEIGHT_FILES.values()),
    conda:
        "../../envs/gexflow.yaml"
    resources:
        network=1,
    params:
        address=weights_address,
        details=weights_details,
    script:
        "../../scripts/download_file.py"


for COUNT, NAMES in FOLD_COUNTS.items():

    rule:
        name:
            fold_rule("train_gexpnet", COUNT)
        input:
            features=model_features,
        output:
            predictions=every_fold("results/{dataset}/models/{model}/fold{fold}/predictions.tsv", COUNT),
            model=every_fold("results/{dataset}/models/{model}/fold{fold}/model.safetensors", COUNT),
            history=every_fold("results/{dataset}/models/{model}/fold{fold}/history.tsv", COUNT),
            facts=every_fold("results/{dataset}/models/{model}/fold{fold}/training.json", COUNT),
        log:
            "results/logs/{dataset}/models/{model}/train_gexpnet.log",
        benchmark:
            "results/benchmarks/{dataset}/models/{model}/train_gexpnet.tsv"
        wildcard_constraints:
            dataset=one_of(NAMES),
            model=one_of(networks("gexpnet")),
        conda:
            "../../envs/gexflow.yaml"
        threads: 4
        resources:
            gpu=1,
            mem_mb=16000,
            runtime=480,
        params:
            settings=model_settings,
            code=code("train_gexpnet.py"),
        script:
            "../../scripts/train_gexpnet.py"

    rule:
        name:
            fold_rule("fit_reference", COUNT)
        input:
            features=model_features,
        output:
            predictions=every_fold("results/{dataset}/models/{model}/fold{fold}/predictions.tsv", COUNT),
            facts=every_fold("results/{dataset}/models/{model}/fold{fold}/training.json", COUNT),
        log:
            "results/logs/{dataset}/models/{model}/fit_reference.log",
        benchmark:
            "results/benchmarks/{dataset}/models/{model}/fit_reference.tsv"
        wildcard_constraints:
            dataset=one_of(NAMES),
            model=one_of(networks(*REFERENCES)),
        conda:
            "../../envs/gexflow.yaml"
        # one: such products are small, threads that wait for a busy core made them ten times slower, and their number
        # changes the last digits
        threads: 1
        resources:
            mem_mb=8000,
            runtime=120,
        params:
            settings=model_settings,
            code=code("fit_reference.py"),
        script:
            "../../scripts/fit_reference.py"


rule finetune_backbone:
    input:
        features=fold_features,
        layout=fold_layout,
        weights=model_weights,
    output:
        predictions="results/{dataset}/models/{model}/fold{fold}/predictions.tsv",
        model="results/{dataset}/models/{model}/fold{fold}/model.safetensors",
        history="results/{dataset}/models/{model}/fold{fold}/history.tsv",
        facts="results/{dataset}/models/{model}/fold{fold}/training.json",
    log:
        "results/logs/{dataset}/models/{model}/fold{fold}/finetune_backbone.log",
    benchmark:
        "results/benchmarks/{dataset}/models/{model}/fold{fold}/finetune_backbone.tsv"
    wildcard_constraints:
        model=one_of(networks(*IMAGE_NETWORKS)),
        fold="[0-9]+",
    conda:
        "../../envs/gexflow.yaml"
    threads: 4
    resources:
        gpu=1,
        mem_mb=24000,
        runtime=480,
    params:
        settings=model_settings,
        code=code("finetune_backbone.py"),
    script:
        "../../scripts/finetune_backbone.py"
