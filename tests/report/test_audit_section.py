"""The audit in the report: rows as they are, findings aloud, and the words that a reader needs."""

import re

import pandas as pd
import pytest
from tests.report.fabricated import fabricate
from tests.workflow.conftest import ROOT

from gexflow.files import write_table
from gexflow.report.audit import ASKED
from gexflow.report.page import render_page
from gexflow.report.study import collect_study

CLEAN = ("split: groups", "", "pass", "0", "0", "No group is in two parts of a fold.")
NOTED = ("near-perfect genes", "", "note", "6", "", "Genes <b>such as</b> these.")
UNTESTED = ("permuted within batches", "logistic", "not testable", "", "", "No batches are known.")
FOUND = ("permuted labels", "logistic", "finding", "0.301", "0.200", "The pipeline knows labels.")
PLANTED = ("planted leak: leak-labels", "", "pass", "seen", "seen", "LEAKY by intention: the label.")


@pytest.fixture
def page(tmp_path):
    def render(*rows: tuple) -> str:
        paths, settings = fabricate(tmp_path, {"khan": ["a", "b"], "other": ["a", "b"]}, ["majority", "logistic"])
        table = pd.DataFrame(rows, columns=["check", "subject", "finding", "value", "expected", "detail"])
        path = tmp_path / "results/khan/evaluation/audit.tsv"
        write_table(table, path)
        return render_page(collect_study({**paths, "audits": [str(path)]}, settings), ROOT / "workflow/report")

    return render


def test_a_clean_audit_is_folded_and_says_nothing_aloud(page):
    text = page(CLEAN, NOTED, UNTESTED)
    assert "Audit of khan: 3 checks, no findings" in text
    assert "Audit of other" not in text
    assert "The audit found a leak" not in text
    assert "leak found by the audit" not in text
    assert "Genes &lt;b&gt;such as&lt;/b&gt; these." in text
    assert ASKED["near-perfect genes"] in text
    assert ASKED["fold purity"] not in text


def test_a_finding_is_said_before_all_results_and_beside_them(page):
    text = page(CLEAN, FOUND)
    assert text.index("The audit found a leak") < text.index('id="evaluation"')
    assert (
        '<p class="warning">The audit of khan found, permuted labels (logistic): The pipeline knows labels.</p>' in text
    )
    assert "<details open>\n<summary>Audit of khan: 2 checks, 1 finding</summary>" in text
    assert '<span class="mark">finding</span>' in text
    marked = text.count('<span class="mark">leak found by the audit</span>')
    assert marked == len(re.findall(r'id="\w+-d1-khan"', text)) + 1  # at every heading, and in the overview


def test_a_planted_leak_is_marked_leaky_wherever_it_stands(page):
    text = page(CLEAN, PLANTED)
    assert "LEAKY by intention: the label." in text
    assert "(LEAKY, ranked nowhere)" in text
    assert "The audit found a leak" not in text
