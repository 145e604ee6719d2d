"""The table of cost counts the jobs whose results are shown, and says what it does not know."""

from pathlib import Path

import pytest
from fabricated import fabricate
from tests.jobs import job_of, run_script

from gexflow.files import write_json, write_text
from gexflow.report.cost import Job, cost_table, read_job
from gexflow.report.study import place

TEMPLATES = Path(__file__).parents[2] / "workflow" / "report"
HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
FIGURES = HEADER + "3725.4\t1:02:05\t2048.00\t1\t1\t1\t1\t1\t99.1\t7200.50\n"


def benchmark(root: Path, job: str, text: str | None = FIGURES, device: str = "NVIDIA H200") -> str:
    path = root / f"results/benchmarks/{job}.tsv"
    if text is not None:
        write_text(text, path)
    write_json({"outputs": {}, "host": "node7", "device": device}, root / f"results/{job}.manifest.json")
    return str(path)


def read(path: str) -> Job:
    return read_job(path, place(path))


def test_a_job_is_read_from_its_benchmark_file_and_its_manifest(tmp_path):
    job = read(benchmark(tmp_path, "d/models/resnet50~shuffled/fold3/finetune_backbone"))
    assert job == Job("models", "resnet50~shuffled", 3725.4, 7200.5, 2048 * 2**20, "NVIDIA H200", "node7")
    assert read(benchmark(tmp_path, "d/models/gexpnet~seed2/train_gexpnet")).model == "gexpnet"
    names = ("benchmarks/read_cohort", "d/recipes/models/prepare_folds", "d/evaluation/score_cohort")
    stages = [read(benchmark(tmp_path, name)).stage for name in (*names, "d/attribution/gexpnet/attribute_genes")]
    assert stages == ["cohorts", "recipes", "evaluation", "attribution"]


@pytest.mark.parametrize("text", [None, "", HEADER, "s\tcpu_time\nNA\t3\n", "\0\n\0\n", "s\nnan\n", "s\n-1\n"])
def test_a_benchmark_file_that_is_gone_or_damaged_is_a_job_without_figures(tmp_path, text):
    assert read(benchmark(tmp_path, "d/models/gexpnet/train_gexpnet", text)) == Job("models", "gexpnet")


def test_a_job_too_short_to_be_looked_at_still_has_its_time(tmp_path):
    path = benchmark(tmp_path, "d/read_cohort", HEADER + "0.2\t0:00:00\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA\n")
    (tmp_path / "results/d/read_cohort.manifest.json").unlink()
    assert read(path) == Job("cohorts", "", 0.2)


JOBS = [
    Job("models", "logistic", 10.0, 9.0, 3e8, "CPU x86_64", "a"),
    Job("models", "gexpnet", 3600.0, 3000.0, 2e9, "NVIDIA H200", "b"),
    Job("models", "gexpnet", 1861.6, None, 5e9, "CPU x86_64", "a"),
    Job("models", "gexpnet"),
    Job("models", "gexpnet~dense", 60.0, 50.0, 1e9, "CPU x86_64", "a"),
    Job("cohorts", "", 90000.0, 1.0, 4e8, "CPU x86_64", "a"),
]


def test_stages_stand_in_their_order_with_their_models_below():
    table = cost_table(JOBS)
    assert [row["name"] for row in table["rows"]] == [
        *("cohorts", "models", "logistic", "gexpnet", "gexpnet with dense layers", "all"),
    ]
    assert [row["model"] is not None for row in table["rows"]] == [False, False, True, True, True, False]
    assert table["without_figures"] == 1
    assert table["hosts"] == 2


def test_times_are_summed_memory_is_the_largest_and_lost_figures_are_counted():
    rows = {row["name"]: row for row in cost_table(JOBS)["rows"]}
    network = {key: value for key, value in rows["gexpnet"].items() if key != "model"}
    assert network == {
        "name": "gexpnet",
        "jobs": "2 of 3",
        "seconds": "1:31:02",
        "cpu_seconds": "0:50:00",
        "memory": "5 GB",
        "device": "CPU x86_64, NVIDIA H200",
    }
    assert rows["cohorts"]["seconds"] == "25:00:00"
    assert rows["all"]["jobs"] == "5 of 6"


def test_without_any_figures_the_table_says_so_and_without_jobs_there_is_none():
    (*_, last) = cost_table([Job("cohorts"), Job("cohorts")])["rows"]
    assert (last["jobs"], last["seconds"], last["memory"], last["device"]) == ("0 of 2", "–", "–", "–")  # noqa: RUF001
    assert cost_table([])["rows"] == []


def page_of(tmp_path: Path, benchmarks: list[str]) -> str:
    paths, settings = fabricate(tmp_path, {"d": ["x", "y"]}, models=["majority", "gexpnet"])
    inputs = {**paths, "template": str(TEMPLATES / "index.html.j2"), "style": str(TEMPLATES / "style.css")}
    page = tmp_path / "results/report/index.html"
    log, params = tmp_path / "results/logs/report/write_report.log", {"benchmarks": benchmarks}
    run_script(job_of("write_report", log, inputs, {"page": str(page)}, settings, params=params))
    return page.read_text(encoding="utf-8")


def test_the_page_shows_the_jobs_that_the_rule_names_and_no_others(tmp_path):
    benchmark(tmp_path, "d/models/forgotten/train_gexpnet")
    page = page_of(tmp_path, [benchmark(tmp_path, "d/models/gexpnet/train_gexpnet"), str(tmp_path / LOST)])
    assert "1:02:05" in page
    assert "NVIDIA H200" in page
    assert "<b>1 job left no figures</b>" in page
    assert "forgotten" not in page


LOST = "results/benchmarks/d/read_cohort.tsv"


def test_the_page_of_whole_figures_misses_none(tmp_path):
    page = page_of(tmp_path, [benchmark(tmp_path, "d/read_cohort")])
    assert "Cost: " in page
    assert "left no figures" not in page
