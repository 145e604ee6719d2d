"""Simulated cohorts written in the true formats of their sources, so that the real readers read them."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.io

from gexflow import files
from gexflow.cohorts.simulate import Simulated, label_table

NORMAL_SAMPLES = 6


def write_geo(cohort: Simulated, matrix: Path, labels: Path, rng: np.random.Generator) -> list[str]:
    """Write a GEO series matrix (log2 values, gzip); return the probe ids."""
    samples = [f"GSM{900001 + number}" for number in range(len(cohort.labels))]
    probes = [f"{200001 + number}_at" for number in range(cohort.log2.shape[1])]
    fields = {
        "!Sample_title": [f"{label}, {patient}" for label, patient in zip(cohort.labels, cohort.patients, strict=True)],
        "!Sample_geo_accession": samples,
        "!Sample_characteristics_ch1": [f"tissue: {label}" for label in cohort.labels],
        "!Sample_characteristics_ch1 ": [f"patient: {patient}" for patient in cohort.patients],
        "!Sample_data_processing": ["simulated, log2"] * len(samples),
        "!Sample_platform_id": ["GPL0"] * len(samples),
    }
    lines = ['!Series_title\t"Simulated cohort of GexFlow"', '!Series_geo_accession\t"GSE0"', ""]
    lines += ["\t".join([name.strip(), *(f'"{value}"' for value in values)]) for name, values in fields.items()]
    lines += ["!series_matrix_table_begin", "\t".join(['"ID_REF"', *(f'"{name}"' for name in samples)])]
    for probe, values in zip(probes, cohort.log2.T, strict=True):
        lines.append("\t".join([f'"{probe}"', *("" if np.isnan(value) else f"{value:.4f}" for value in values)]))
    lines.append("!series_matrix_table_end\n")
    with files.whole_file(matrix) as partial, gzip.GzipFile(partial, "wb", mtime=0) as file:
        file.write("\n".join(lines).encode())
    files.write_table(label_table(cohort, samples), labels)
    return probes


def write_mendeley(cohort: Simulated, matrix: Path, labels: Path, rng: np.random.Generator) -> list[str]:
    """Write a MATLAB 5 file as the Mendeley set's: linear values, class code in the last column; return the genes."""
    genes = [f"SIM{number + 1:05d}" for number in range(cohort.log2.shape[1])]
    codes = 1 + np.array([cohort.classes.index(label) for label in cohort.labels])
    content = {
        "data": np.column_stack([np.exp2(cohort.log2), codes]),
        "geneIds": np.array(genes, dtype=object).reshape(1, -1),
        "cancerTypes": cohort.labels.astype(object).reshape(-1, 1),
    }
    with files.whole_file(matrix) as partial, open(partial, "wb") as file:
        scipy.io.savemat(file, content, do_compression=True)
    files.write_table(label_table(cohort, [f"row {number + 1}" for number in range(len(codes))]), labels)
    return genes


def write_tcga(cohort: Simulated, matrix: Path, labels: Path, rng: np.random.Generator) -> list[str]:
    """Write a table as PanCanAtlas EB++'s with its sample annotations; return the gene ids.

    Values are linear, with NA and a few small negatives; some symbols are unknown ("?"). Some patients have an adjacent
    normal sample (type 11) beside their tumour (type 01).
    """
    count, n_genes = cohort.log2.shape
    genes = [f"{'?' if number % 97 == 96 else f'SIM{number + 1:05d}'}|{100001 + number}" for number in range(n_genes)]
    barcodes = [f"TCGA-{'ABCDEFGH'[n % 8]}{n % 7}-{n + 1000:04d}-01A-11R-A000-07" for n in range(count)]
    linear = np.exp2(cohort.log2)
    low = np.nanmedian(cohort.log2, axis=0) < np.nanquantile(cohort.log2, 0.04)
    # background correction pushes a tenth of the weakest genes' values below zero
    linear[:, low] -= np.nanquantile(linear[:, low], 0.1, axis=0)
    normals = np.exp2(np.nanmean(cohort.log2, axis=0) + rng.standard_normal((NORMAL_SAMPLES, n_genes)))
    normal_barcodes = [barcode.replace("-01A-", "-11A-") for barcode in barcodes[:NORMAL_SAMPLES]]
    table = pd.DataFrame(np.vstack([linear, normals]).T, index=genes, columns=barcodes + normal_barcodes)
    with files.whole_file(matrix) as partial:
        table.to_csv(partial, sep="\t", index_label="gene_id", float_format="%.4f", na_rep="NA", lineterminator="\n")
    annotation = pd.DataFrame({"aliquot_barcode": table.columns})
    annotation.insert(0, "patient_barcode", annotation["aliquot_barcode"].str[:12])
    annotation["cancer type"] = [*cohort.labels, *cohort.labels[:NORMAL_SAMPLES]]
    annotation["platform"] = "IlluminaHiSeq_RNASeqV2"
    annotation["Do_not_use"] = "False"
    files.write_table(annotation, labels)
    return genes


WRITERS: dict[str, Callable[[Simulated, Path, Path, np.random.Generator], list[str]]] = {
    "geo": write_geo,
    "mendeley": write_mendeley,
    "tcga": write_tcga,
}
