"""Write a table in the true format of PanCanAtlas EB++, and its sample annotations.

The values are noise: the file is for measuring time and memory only.
"""

import re
from pathlib import Path

import numpy as np

TYPES = re.findall(
    r"\w+",
    "ACC BLCA BRCA CESC CHOL COAD DLBC ESCA GBM HNSC KICH KIRC KIRP LAML LGG LIHC LUAD LUSC MESO OV PAAD PCPG PRAD "
    "READ SARC SKCM STAD TGCT THCA THYM UCEC UCS UVM",
)
COLUMNS = [
    "patient_barcode",
    "aliquot_barcode",
    "cancer type",
    "platform",
    "patient_annotation",
    "sample_annotation",
    "aliquot_annotation",
    "aliquot_annotation_updated",
    "AWG_excluded_because_of_pathology",
    "AWG_pathology_exclusion_reason",
    "Reviewed_By",
    "Do_not_use",
]
DISTINCT = 512  # texts of values a gene, formatted once


def barcodes(count: int, random: np.random.Generator) -> tuple[list[str], list[str]]:
    """Return aliquot barcodes and their cancer types: some adjacent normals, metastases and second aliquots."""
    samples, types = [], []
    patient = 0
    while len(samples) < count:
        patient += 1
        name = TYPES[patient % len(TYPES)]
        site = f"{name[:1]}{chr(65 + patient // len(TYPES) % 26)}"
        kinds = ["03"] if name == "LAML" else ["06"] if name == "SKCM" else ["01"]
        kinds += ["11"] if patient % 15 == 0 else []
        plates = ["A29S", "A32T"] if patient % 100 == 0 else ["A29S"]
        for kind in kinds:
            for plate in plates:
                samples.append(f"TCGA-{site}-{patient:04X}-{kind}A-11R-{plate}-07")
                types.append(name)
    order = random.permutation(count)
    return [samples[index] for index in order], [types[index] for index in order]


def gene_ids(count: int) -> list[str]:
    """Return ids "SYMBOL|ENTREZ", the first 29 without a symbol, as in the genuine file."""
    return [f"{'?' if number < 29 else f'GENE{number}'}|{100000 + number}" for number in range(count)]


def write_matrix(path: Path, genes: int, samples: list[str], random: np.random.Generator) -> None:
    """Write genes x samples: not logged, some values below 0, NA in a tenth of the samples for a fifth of the genes."""
    with open(path, "wb") as file:
        file.write(("gene_id\t" + "\t".join(samples) + "\n").encode())
        batch = random.random(len(samples)) < 0.1
        for number, gene in enumerate(gene_ids(genes)):
            values = np.exp(random.normal(random.normal(4, 2.5), 1, DISTINCT)) - 0.05
            texts = np.array([b"%.4f" % value if value < 1e5 else b"%.1f" % value for value in values], dtype=object)
            row = texts[random.integers(0, DISTINCT, len(samples))]
            if number % 5 == 0:
                row[batch] = b"NA"
            file.write(gene.encode() + b"\t" + b"\t".join(row) + b"\n")


def write_labels(path: Path, samples: list[str], types: list[str]) -> None:
    """Write the sample quality annotations."""
    with open(path, "w") as file:
        file.write("\t".join(COLUMNS) + "\n")
        for number, (sample, name) in enumerate(zip(samples, types, strict=True)):
            known = {"patient_barcode": sample[:12], "aliquot_barcode": sample, "cancer type": name}
            known |= {"platform": "IlluminaHiSeq_RNASeqV2", "Do_not_use": str(number % 200 == 0)}
            file.write("\t".join(known.get(column, "") for column in COLUMNS) + "\n")


def write_files(folder: Path, genes: int, samples: int) -> None:
    """Write ebpp.tsv and labels.tsv into a folder."""
    random = np.random.default_rng(32)
    aliquots, types = barcodes(samples, random)
    write_matrix(folder / "ebpp.tsv", genes, aliquots, random)
    write_labels(folder / "labels.tsv", aliquots, types)
