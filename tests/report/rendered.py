"""A fabricated study as its page, and a parser that looks at it."""

import re
from html.parser import HTMLParser
from pathlib import Path

from fabricated import CONTROLS, fabricate

from gexflow.report.page import render_page
from gexflow.report.study import collect_study

TEMPLATES = Path(__file__).parents[2] / "workflow" / "report"
VOID = {"meta", "link", "br", "hr", "img", "input", "wbr", "col"}
FEW = ["majority", "logistic", "gexpnet", "resnet50"]
WITH_CONTROLS = [*FEW, *CONTROLS]


class Nesting(HTMLParser):
    """Collects unbalanced tags, ids, heading levels, attributes that load something, and visible text."""

    def __init__(self, page: str):
        super().__init__()
        self.open, self.faults, self.ids, self.headings, self.loads, self.words = [], [], [], [], [], []
        self.feed(page)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self._attributes(tag, dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self._attributes(tag, dict(attrs))

    def _attributes(self, tag, attrs):
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.loads += [attrs[key] for key in ("src", "href", "xlink:href", "srcset", "data", "action") if key in attrs]
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append((tag, self.getpos()))

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)


def render(tmp_path, datasets, **choices):
    page = render_page(collect_study(*fabricate(tmp_path, datasets, **choices)), TEMPLATES)
    return page, Nesting(page)
