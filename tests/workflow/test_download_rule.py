"""The download rule in a real run: a blank in a name, one request a file, and none in the second run."""

import hashlib
import json

import pytest
import yaml

from gexflow.files import read_json
from tests.cohorts.web_server import Answer, serve
from tests.workflow.conftest import ROOT, Project

NAME = "cancer types.tsv"
TABLE = "id\ttype\tg1\tg2\n" + "".join(f"s{n}\t{'AB'[n % 2]}\t{n + 0.5}\t{n / 7 + 1}\n" for n in range(20))
CONTENT = TABLE.encode()
ANNOTATION = b"id\tsymbol\ng1\tTP53\ng2\tEGFR\n" + b"".join(b"g%d\tGENE%d\n" % (n, n) for n in range(3, 30))
CONTENTS = [CONTENT, ANNOTATION, ANNOTATION]
PAGES = ("/listing?a=1&b=2", "/one.tsv", "/two.tsv")


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve() as running:
        yield running


def study(site, tmp_path, **more):
    """Return a study of two datasets that name the same files, and the paths of these."""
    matrix = {"listing": f"{site.address}{PAGES[0]}", "name": NAME, **more}
    annotation = {"address": f"{site.address}/{{part}}.tsv", "each": {"part": ["one", "two"]}}
    own = {"source": "table", "label": {"field": "type"}}
    datasets = {name: {**own, "files": {"matrix": matrix, "annotation": annotation}} for name in ("a", "b")}
    run = {"datasets": ["a", "b"], "models": ["majority"], "downloads": str(tmp_path / "downloads")}
    config = {"run": run, "datasets": datasets, "attribution": {"models": []}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config))
    paths = [tmp_path / "downloads/table" / name for name in (NAME, "one.tsv", "two.tsv")]
    return Project(ROOT, tmp_path / "study", str(tmp_path / "mine.yaml")), paths


def fill(site, cut: int | None) -> str:
    """Let the site give all files, each cut short at first if so wanted, and return the checksum in the listing."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    details = {"download_url": f"{site.address}/content", "sha256_hash": digest}
    site.add(
        PAGES[0], Answer(json.dumps([{"filename": NAME, "size": len(CONTENT), "content_details": details}]).encode())
    )
    for page, content in zip(("/content", *PAGES[1:]), CONTENTS, strict=True):
        site.add(page, *([Answer(content, cut=cut)] if cut else []), Answer(content))
    return digest


@pytest.mark.workflow
def test_a_file_is_fetched_once_and_a_second_run_asks_the_network_nothing(site, tmp_path):
    digest = fill(site, cut=100)
    project, paths = study(site, tmp_path)
    project.snakemake("--quiet=all", "results/a/card.json")
    assert sorted(item.name for item in paths[0].parent.iterdir()) == sorted(path.name for path in paths)
    assert [path.read_bytes() for path in paths] == CONTENTS
    assert len(site.requests) == 1 + 2 * 3
    log = (tmp_path / f"study/results/logs/downloads/table/{NAME}.log").read_text()
    assert digest in log
    origin = read_json(tmp_path / "study/results/a/card.json")["origin"]
    assert [entry["file"] for entry in origin] == [path.name for path in paths]
    assert [entry["address"] for entry in origin] == [f"{site.address}{page}" for page in PAGES]
    assert [entry["sha256"] for entry in origin] == [hashlib.sha256(content).hexdigest() for content in CONTENTS]

    # Neither another run, nor a mirror, nor a checksum learnt later: `md5` is wrong here, and nobody asks.
    project, _ = study(site, tmp_path, mirrors=[f"{site.address}/mirror"], md5="0" * 32)
    done = project.snakemake("--", *map(str, paths))
    assert "Nothing to be done" in done.stdout + done.stderr
    assert len(site.requests) == 1 + 2 * 3


@pytest.mark.workflow
def test_a_file_that_is_fetched_again_reruns_nothing_unless_its_content_is_another(site, tmp_path):
    fill(site, cut=None)
    project, paths = study(site, tmp_path)
    goal = "results/a/splits.tsv"
    project.snakemake("--quiet=all", goal)
    paths[0].unlink()
    assert project.would_run(goal) == {}  # nobody needs it while what was read from it is there
    assert project.run("--", str(paths[0])) == {"download_file": 1}
    assert paths[0].stat().st_mtime > (project.study / goal).stat().st_mtime
    assert project.would_run(goal) == {}
    paths[0].write_bytes(CONTENT.replace(b"0.5", b"0.6"))
    assert project.would_run(goal) == {"read_cohort": 1, "split_cohort": 1}
