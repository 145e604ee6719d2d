"""Versions of what made the results."""

from importlib.metadata import PackageNotFoundError, version
from platform import python_version

from gexflow import __version__

_PACKAGES = (
    "snakemake",
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "anndata",
    "torch",
    "torchvision",
    "timm",
    "captum",
)


def installed_versions() -> dict[str, str]:
    """Return the versions of GexFlow, Python and the main libraries; "not installed" where one is missing."""
    return {"gexflow": __version__, "python": python_version(), **{name: _version(name) for name in _PACKAGES}}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
