"""A merged view of labels names labels that exist, once each, and changes none of them."""

import pytest

from gexflow.cohorts.merged import check_merge, merge_labels

LABELS = ["COAD", "READ", "LUAD", "COAD"]


def test_labels_are_merged_in_the_view_alone():
    view = check_merge({"COADREAD": ["COAD", "READ"]}, LABELS, "tcga")
    assert merge_labels(LABELS, view) == ["COADREAD", "COADREAD", "LUAD", "COADREAD"]
    assert merge_labels(LABELS, {}) == LABELS


@pytest.mark.parametrize(
    ("merge", "words"),
    [
        ({"COADREAD": ["COAD", "REED"]}, ["datasets.tcga.merge.COADREAD", '"REED"', 'did you mean "READ"']),
        ({"X": ["COAD", "READ"], "Y": ["READ", "LUAD"]}, ['"READ"', "merge.X has already"]),
        ({"LUAD": ["COAD", "READ"]}, ["merge.LUAD", "name of a label"]),
    ],
)
def test_a_wrong_view_is_refused(refused, merge, words):
    sentence = refused(check_merge, merge, LABELS, "tcga")
    assert all(word in sentence for word in words), sentence
