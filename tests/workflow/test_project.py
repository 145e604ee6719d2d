"""The project's own files agree with each other, and the workflow resolves as the README says."""

import re
import subprocess
import sys
import tomllib

import pytest
import yaml

from tests.slurm.study import profile_with_gres
from tests.workflow.conftest import ROOT, Project


def locked() -> dict[str, str]:
    text = (ROOT / "requirements.txt").read_text()
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;\\\n]+)", text, re.MULTILINE))


def test_the_lock_is_exact_hashed_and_names_no_address():
    text = (ROOT / "requirements.txt").read_text()
    packages = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(packages) > 100
    assert all("==" in line for line in packages)
    assert text.count("--hash=sha256:") >= len(packages)
    assert "://" not in text


def test_every_dependency_is_locked_and_has_a_reason():
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[=<>]", entry)[0] for entry in wanted}
    assert names <= set(locked())
    for entry in wanted:
        line = next(line for line in text.splitlines() if f'"{entry}"' in line)
        assert "#" in line or entry == "pytest", entry


def test_the_conda_environment_has_the_locked_versions():
    environment = yaml.safe_load((ROOT / "envs/gexflow.yaml").read_text())
    pinned = dict(entry.split("==") for entry in environment["dependencies"][-1]["pip"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(pinned) == {re.split(r"[\[=<>]", entry)[0] for entry in project["dependencies"]}
    assert all(locked()[name] == version for name, version in pinned.items())


@pytest.mark.workflow
def test_the_slurm_profile_resolves_from_a_clean_clone(tmp_path):
    command = [sys.executable, "-m", "snakemake", "--cores", "8", "--profile", "slurm", "--dry-run"]
    command += ["--configfile", "resources/demo/config.yaml", "--directory", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-3000:]
    assert (
        "Using profiles slurm and workflow specific profile profiles/default" in output
    )  # rerun-incomplete and others
    assert re.search(r"resources:.*gpu=1", output)


@pytest.mark.workflow
@pytest.mark.parametrize(("gres", "asked"), [(False, "gpu=1, gpu_jobs=1"), (True, "gpu=0, gpu_jobs=1, gres=gpu:1")])
def test_the_profile_sends_what_wants_a_gpu_to_the_gpus_and_nothing_else(tmp_path, gres, asked):
    networks = {"audit": {"models": ["gexpnet"], "networks": True, "permutations": 3}}
    own_folds = {"source": "tcga", "simulate": {"samples": 60, "genes": 60}, "label": {"field": "cancer type"}}
    study = {
        "run": {"datasets": ["four", "five"], "models": ["gexpnet", "image", "logistic"], "folds": 4},
        "datasets": {"four": own_folds, "five": {**own_folds, "folds": 5}},
        "models": {"image": {"network": "resnet50", "recipe": "image-ranks", "weights": "random"}},
        "evaluation": networks,
    }
    study["models"]["image"]["layout"] = {"size": "auto"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(study))
    project = Project(ROOT, tmp_path / "study", str(tmp_path / "mine.yaml"))
    profile = profile_with_gres(tmp_path) if gres else "slurm"
    text = project.snakemake("--profile", profile, "--dry-run").stdout
    jobs = re.findall(r"^rule (\w+):\n(?:    .*\n)*?    resources: (.*)$", text, re.MULTILINE)
    places = {(rule, asked in resources, "slurm_partition=gpu" in resources) for rule, resources in jobs}
    assert {wants for _, wants, _ in places} == {True, False}
    assert {rule for rule, wants, _ in places if wants} == {
        *("train_gexpnet", "train_gexpnet_5", "attribute_genes", "attribute_genes_5"),
        *("finetune_backbone", "run_trunk", "refit_network"),
    }
    assert [rule for rule, wants, there in places if wants != there] == []


@pytest.mark.workflow
def test_the_real_study_resolves_with_downloads_and_all_networks(tmp_path):
    done = Project(ROOT, tmp_path, "config.yaml").would_run()
    assert (
        done["download_file"] == 8
    )  # two platforms and their annotation, a series and its, a .mat, EB++ and its labels
    assert done["download_weights"] == 4
    assert done["finetune_backbone"] == 4 * 4 * 3 * 10  # with their controls
    assert done["train_gexpnet"] == 4 * (3 + 1)  # gexpnet with its controls, and mlp
    assert done["fit_reference"] == 4 * 8  # six kinds, and two of them on all genes
    assert done["attribute_genes"] == 4 * 2
    assert done["draw_images"] == 4  # all image networks of a dataset share a recipe and a layout
    assert sum(count for name, count in done.items() if name.startswith("lay_out_genes")) == 4 * 2


@pytest.mark.workflow
@pytest.mark.parametrize(
    "change",
    ["run: {fold: 5}", "run: {datasets: [gse14521]}", "models: {gexpnet: {network: gexnet, recipe: gexpnet-paper}}"],
)
def test_a_mistake_ends_the_start_with_two_lines(tmp_path, change):
    (tmp_path / "mine.yaml").write_text(change)
    done = Project(ROOT, tmp_path, str(tmp_path / "mine.yaml")).snakemake("--dry-run", ok=False)
    told = [line for line in done.stderr.splitlines() if line and not line.startswith(("Using", "Assuming"))]
    assert told[0].startswith("config: ")
    assert "did you mean" in told[1]
    assert len(told) == 2, told


def test_the_six_stages_are_the_map_of_everything():
    stages = {"cohorts", "recipes", "models", "evaluation", "attribution", "report"}
    assert stages <= {path.stem for path in (ROOT / "workflow/rules").glob("*.smk")}
    assert stages <= {path.name for path in (ROOT / "scripts/gexflow").iterdir()}
    assert stages <= {path.name for path in (ROOT / "tests").iterdir()}


def test_the_library_does_not_know_snakemake():
    for path in (ROOT / "scripts/gexflow").rglob("*.py"):
        assert not re.search(
            r"^\s*(import|from) snakemake|\bsnakemake\.(input|output|params)", path.read_text(), re.M
        ), path


def test_a_start_imports_nothing_heavy():
    code = (
        "import sys; sys.path.insert(0, 'scripts'); "
        "import gexflow.config, gexflow.digest, gexflow.plan_files, gexflow.plan_jobs; "
        "print(sorted({'torch', 'pandas', 'numpy', 'sklearn', 'anndata'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Every job starts Python anew; PyTorch alone takes two seconds of a processor, and some hundred MB.
IMPORTS = """
import ast, os, pathlib, sys
import anndata, matplotlib, pandas, scipy
assert not {"torch", "sklearn"} & set(sys.modules)
sys.path.insert(0, "scripts")
for path in sorted(pathlib.Path("scripts").glob("*.py")):
    imports = [node for node in ast.parse(path.read_text()).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    child = os.fork()
    if not child:
        exec(compile(ast.Module(imports, []), path.name, "exec"))
        os._exit(("torch" in sys.modules) + 2 * ("sklearn" in sys.modules))
    print(path.stem, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_only_jobs_of_networks_import_pytorch_and_without_tuning_no_scikit_learn():
    command = [sys.executable, "-c", IMPORTS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = {name: int(code) for name, code in map(str.split, done.stdout.splitlines())}
    networks = ["attribute_genes", "finetune_backbone", "refit_network", "run_trunk", "train_gexpnet"]
    assert [name for name, code in found.items() if code & 1] == networks
    assert [name for name, code in found.items() if code == 3] == ["refit_network"]  # which refits the recipe, too
    assert {0, 2} < set(found.values())
