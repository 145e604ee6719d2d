"""What all figures share: one look, colours that a page can replace, and the same bytes for the same drawing."""

import io
from typing import Any

# Stand-ins that become variables of the page's style sheet, so that figures follow its light and dark colours. They
# are those of a light page, one step away, so that nothing else has them and a file of its own looks right on paper.
INK, MUTED, FAINT, ACCENT, PAPER = "#1d2327", "#636d73", "#dcdfe0", "#1f6f90", "#fdfdfa"
VARIABLES = {
    PAPER: "var(--paper)",
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    FAINT: "var(--line)",
    ACCENT: "var(--accent)",
}
SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "gexflow",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.labelcolor": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
}
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def save_svg(figure: Any, **options: Any) -> str:
    """Return a figure as SVG on a clear ground, without date or author."""
    figure.patch.set_visible(False)
    for axes in figure.axes:
        axes.patch.set_visible(False)
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata=NO_METADATA, **options)
    return file.getvalue()
