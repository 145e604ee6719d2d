"""The benchmarks run, at tiny size, and their records have the promised form."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from benchmarks.items import ITEMS, select_logistic
from benchmarks.records import BEGIN, END, judge, make_record, merge, table, write_table
from benchmarks.simulate import draw_folds, draw_known_cohort, draw_labels

from tests.workflow.conftest import ROOT

PROMISED = {
    "gene-quantile-1",
    "gene-quantile-10",
    "sample-quantile-10",
    "select-logistic-fp32",
    "select-logistic-bf16",
    "gexpnet-train",
    "gexpnet-fast",
    "recipe-chain",
    "layout-10k",
    "images-10k",
    "resnet50-224",
    "resnet50-native",
}
FIELDS = {"item", "peer", "ours_seconds", "peer_seconds", "ratio", "ours_peak_bytes", "peer_peak_bytes"}
FIELDS |= {"input_bytes", "rounds", "threads", "date", "machine", "versions", "agreement", "bar"}


# All items take three minutes of two processes each: `make test` runs these.
QUICK = ["gene-quantile-1", "select-logistic-small", "images-10k"]


@pytest.fixture(scope="module", params=[QUICK, pytest.param(list(ITEMS), marks=pytest.mark.long)], ids=["quick", "all"])
def small_run(request, tmp_path_factory) -> tuple[list[str], subprocess.CompletedProcess, list[dict]]:
    """Items at tiny size, one round; peers in an environment of their own where there is one."""
    folder = tmp_path_factory.mktemp("benchmarks")
    command = [sys.executable, "-m", "benchmarks.run", *request.param, "--scale", "small", "--rounds", "1"]
    command += ["--threads", "1", "--folder", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return request.param, done, json.loads((folder / "results.json").read_text())


def test_every_item_whose_peer_is_installed_gives_a_record(small_run):
    items, done, records = small_run
    skipped = set(re.findall(r"^(\S+): skipped, because its peer \S+ is not installed", done.stdout, re.M))
    assert {record["item"] for record in records} | skipped == set(items)
    assert skipped <= {name for name in items if ITEMS[name].peer_package}


def test_every_promised_item_is_there():
    assert set(ITEMS) >= PROMISED


def test_records_hold_measured_figures_and_both_sides_agree(small_run):
    for record in small_run[2]:
        assert record.keys() >= FIELDS, record["item"]
        assert record["agreement"]["agrees"], (record["item"], record["agreement"])
        assert record["ratio"] == pytest.approx(record["peer_seconds"] / record["ours_seconds"], rel=0.1, abs=0.01)
        # an interpreter with numpy takes more than 10 MB, and tiny data never a terabyte
        assert all(1e7 < record[f"{side}_peak_bytes"] < 1e12 for side in ("ours", "peer"))
        assert record["versions"]["numpy"] == np.__version__


def test_a_run_on_tiny_data_leaves_the_recorded_results_alone(small_run):
    recorded = json.loads((ROOT / "benchmarks/results.json").read_text())
    assert all(record["scale"] == "full" for record in recorded)


def test_an_unknown_item_is_named():
    command = [sys.executable, "-m", "benchmarks.run", "gene-quantile"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert 'there is no item "gene-quantile": choose from gene-quantile-1' in done.stderr


def answer(seconds: float, peak: int = 100) -> dict:
    return {"seconds": seconds, "peak_bytes": peak, "facts": {}, "scaled": ""}


def record_of(name: str, ours: list[float], peer: list[float], agrees: bool = True, peak: int = 100) -> dict:
    rounds = [(answer(mine, peak), answer(theirs)) for mine, theirs in zip(ours, peer, strict=True)]
    record = make_record(ITEMS[name], "peer", rounds, {"input_bytes": 40}, {"agrees": agrees, "words": "as told"})
    machine = {"cpu": "CPU", "cores": 2, "memory_gib": 4, "gpu": "none"}
    extra = {"device": "cpu", "threads": 2, "date": "2026-01-01", "machine": machine, "versions": {"numpy": "2"}}
    return record | extra


def test_the_ratio_is_that_of_the_medians():
    record = record_of("gene-quantile-1", [1.0, 9.0, 2.0], [30.0, 20.0, 1.0])
    assert (record["ours_seconds"], record["peer_seconds"], record["ratio"]) == (2.0, 20.0, 10.0)


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("gene-quantile-1", {}, "met"),
        ("gene-quantile-1", {"peer": [4.9]}, "not met: too slow"),
        ("gene-quantile-1", {"agrees": False}, "not met: results differ"),
        ("recipe-chain", {"peak": 120}, "met"),
        ("recipe-chain", {"peak": 121}, "not met: peak memory above 3 times the input"),
        ("read-ebpp", {}, "none set"),
    ],
)
def test_the_bar_is_judged_by_speed_agreement_and_memory(name, changes, told):
    assert record_of(name, [1.0], **({"peer": [5.0]} | changes))["bar"] == told


def test_on_tiny_data_only_agreement_is_judged():
    record = record_of("gene-quantile-1", [1.0], [0.1])
    assert judge(record, full=False) == "met"
    assert judge(record | {"agreement": {"agrees": False}}, full=False) == "not met: results differ"


def test_an_item_that_runs_again_replaces_its_record(tmp_path):
    path = tmp_path / "results.json"
    for name, peer in [("gene-quantile-1", 5.0), ("recipe-chain", 6.0), ("gene-quantile-1", 7.0)]:
        records = merge(path, record_of(name, [1.0], [peer]))
    assert {record["item"]: record["peer_seconds"] for record in records} == {
        "gene-quantile-1": 7.0,
        "recipe-chain": 6.0,
    }
    assert json.loads(path.read_text()) == records


def test_the_table_stands_between_its_marks_and_nothing_else_changes(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    records = [record_of("recipe-chain", [2.0], [8.0]), record_of("gene-quantile-1", [1.0], [5.0])]
    write_table(path, table(records, list(ITEMS)))
    lines = path.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    rows = [line for line in lines if line.startswith("| `")]
    assert [re.match(r"\| `(.+?)`", row)[1] for row in rows] == ["gene-quantile-1", "recipe-chain"]
    assert "| 5.0 x | 5 x | 10 x | met |" in rows[0]
    assert "| 4.0 x | 5 x | 15 x | not met: too slow, peak" not in rows[1]
    assert "not met: too slow" in rows[1]


def test_the_readme_shows_the_recorded_results():
    records = json.loads((ROOT / "benchmarks/results.json").read_text())
    text = (ROOT / "benchmarks/README.md").read_text()
    assert text.split(BEGIN)[1].split(END)[0].strip() == table(records, list(ITEMS))


def test_the_peers_use_the_locked_numpy_and_pin_exactly():
    lines = (ROOT / "benchmarks/requirements-peers.txt").read_text().splitlines()
    pins = dict(line.split(" #")[0].split("==") for line in lines if not line.startswith("#"))
    locked, shared = (ROOT / "requirements.txt").read_text(), ("numpy", "scipy", "scikit-learn", "torch", "torchvision")
    assert all(f"{name}=={pins[name]} " in locked for name in shared)
    assert {item.peer_package for item in ITEMS.values()} - {""} <= set(pins)
    assert "qnorm" not in (ROOT / "requirements.txt").read_text() + (ROOT / "pyproject.toml").read_text()


def test_the_known_cohort_has_the_bayes_error_that_was_asked_for():
    cohort = draw_known_cohort(train=4000, test=20000, genes=100, bayes_error=0.05, seed=1)
    # the likelihood with means and priors from the data themselves: close to the true one with so many samples
    means = np.array([cohort.test[cohort.test_labels == k].mean(axis=0) for k in range(5)])
    priors = np.bincount(cohort.test_labels) / len(cohort.test_labels)
    scores = cohort.test @ means.T - (means**2).sum(axis=1) / 2 + np.log(priors)
    assert cohort.bayes_error == pytest.approx(0.05, abs=0.001)
    assert (scores.argmax(axis=1) != cohort.test_labels).mean() == pytest.approx(0.05, abs=0.005)


def test_labels_and_folds_are_complete_and_stratified():
    rng = np.random.default_rng(0)
    labels = draw_labels(1000, [10, 500, 490], rng)
    assert len(labels) == 1000
    assert np.bincount(labels).min() >= 10
    fold = draw_folds(labels, 5, rng)
    counts = np.array([np.bincount(labels[fold == number], minlength=3) for number in range(5)])
    np.testing.assert_allclose(counts, np.broadcast_to(np.bincount(labels) / 5, (5, 3)), atol=1)


def test_the_plain_network_is_the_published_one():
    from benchmarks.plain_gexpnet import PlainGexpNet

    assert sum(values.numel() for values in PlainGexpNet(486, 5).parameters()) == 1_995_392


# the layers of the plain network and their names in GexpNet
LAYERS = {"conv": "stem.0", "bn": "stem.1", "head_weights": "block.weights", "shortcut": "block.shortcut"}
LAYERS |= {"block_bn": "block.norm", "fc1": "hidden.1", "ln": "hidden.2", "fc2": "classifier"}
HEAD = {"conv": "convolution", "bn": "norm", "shortcut": "shortcut"}


def name_in_gexpnet(name: str) -> str:
    first, *rest = name.split(".")
    if first == "heads":
        return ".".join(["block.heads", rest[0], HEAD[rest[1]], *rest[2:]])
    return ".".join([LAYERS[first], *rest])


def test_the_plain_network_equals_gexpnet_with_the_same_weights():
    import torch
    from benchmarks.plain_gexpnet import PlainGexpNet

    from gexflow.models.gexpnet import GexpNet

    torch.manual_seed(0)
    plain, own, values = PlainGexpNet(30, 3), GexpNet(30, 3), torch.randn(16, 30)
    plain(values)  # running means of the norms are no longer 0 and 1
    own.load_state_dict({name_in_gexpnet(name): values for name, values in plain.state_dict().items()})
    logits = plain.eval()(values)
    torch.testing.assert_close(own.eval()(values), logits, rtol=1e-5, atol=1e-5)
    assert logits.std(dim=0).min() > 1e-2


def test_the_fastest_solver_counts_only_if_it_converged_to_the_right_genes():
    right, wrong = np.array([True, True, False, False]), np.array([True, False, True, False])
    facts = {words: {"converged": words != "stopped", "objective": 1.0} for words in ("good", "stopped", "loose")}
    facts["loose"]["objective"] = 1.01
    arrays = {"good": {"kept": right}, "stopped": {"kept": right}, "loose": {"kept": wrong}}
    assert select_logistic.sound(facts, arrays) == {"good"}
    arrays["loose"] = {"kept": right}
    assert select_logistic.sound(facts, arrays) == {"good", "loose"}


def test_the_objective_is_the_one_that_scikit_learn_minimises():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [40, 15, 5])
    values = rng.normal(size=(60, 4)) + labels[:, None]
    model = LogisticRegression(C=select_logistic.C, class_weight="balanced", tol=1e-10, max_iter=10000)
    model.fit(values, labels)
    best = select_logistic.objective(values, labels, model.coef_, model.intercept_)
    for _ in range(20):  # a minimum: every step away from it goes up
        moved = model.coef_ + 1e-2 * rng.normal(size=model.coef_.shape)
        assert select_logistic.objective(values, labels, moved, model.intercept_) > best
        shifted = model.intercept_ + 1e-2 * (rng.normal(size=3))
        assert select_logistic.objective(values, labels, model.coef_, shifted - shifted.mean()) >= best - 1e-12
