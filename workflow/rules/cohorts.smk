# cohorts: source files become one samples x genes table with labels, groups and folds.


localrules:
    download_file,


rule download_file:
    output:
        f"{DOWNLOADS}/{{source}}/{{file}}",
    log:
        "results/logs/downloads/{source}/{file}.log",
    wildcard_constraints:
        source=one_of(SOURCES),
        file="[^/]+",
    conda:
        "../../envs/gexflow.yaml"
    resources:
        network=1,
    params:
        address=download_address,
        details=download_details,
    script:
        "../../scripts/download_file.py"


rule simulate_cohort:
    output:
        matrix="results/{dataset}/simulated/matrix",
        labels="results/{dataset}/simulated/labels",
        truth="results/{dataset}/simulated/truth.json",
    log:
        "results/logs/{dataset}/simulate_cohort.log",
    benchmark:
        "results/benchmarks/{dataset}/simulate_cohort.tsv"
    conda:
        "../../envs/gexflow.yaml"
    params:
        settings=simulation_settings,
        code=code("simulate_cohort.py"),
    script:
        "../../scripts/simulate_cohort.py"


rule read_cohort:
    input:
        matrix=source_files("matrix"),
        labels=source_files("labels"),
        annotation=source_files("annotation"),
        sites=site_table,
    output:
        cohort=COHORT,
        card="results/{dataset}/card.json",
        figure="results/{dataset}/card.svg",
    log:
        "results/logs/{dataset}/read_cohort.log",
    benchmark:
        "results/benchmarks/{dataset}/read_cohort.tsv"
    conda:
        "../../envs/gexflow.yaml"
    threads: 2
    resources:
        mem_mb=by_attempt(8000),
        runtime=by_attempt(60),
    params:
        settings=reading_settings,
        expected=expected_classes,
        code=code("read_cohort.py"),
    script:
        "../../scripts/read_cohort.py"


rule find_shared_samples:
    input:
        cohorts=of_searched(COHORT),
    output:
        shared="results/comparison/shared_samples.tsv",
    log:
        "results/logs/comparison/find_shared_samples.log",
    conda:
        "../../envs/gexflow.yaml"
    threads: 2
    resources:
        mem_mb=by_attempt(4000),
    params:
        settings=searched_settings,
        code=code("find_shared_samples.py"),
    script:
        "../../scripts/find_shared_samples.py"


rule split_cohort:
    input:
        cohort=cohort_file,
    output:
        splits="results/{dataset}/splits.tsv",
        facts="results/{dataset}/splits.json",
    log:
        "results/logs/{dataset}/split_cohort.log",
    conda:
        "../../envs/gexflow.yaml"
    params:
        settings=split_settings,
        code=code("split_cohort.py"),
    script:
        "../../scripts/split_cohort.py"
