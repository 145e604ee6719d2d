"""A small true file of every format that cohorts are read from, made of the pieces that can be damaged."""

import gzip
import hashlib
import io
import json
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass, field

import anndata
import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.io
import scipy.sparse
from damage import Piece, packed

SAMPLES, GENES = 6, 4
VALUES = np.random.default_rng(0).uniform(2, 14, (SAMPLES, GENES)).round(3)
LABELS = ["liver", "liver", "liver", "lung", "lung", "lung"]
BARCODES = [f"TCGA-OR-A5J{n}-{kind}A-11R-A29S-07" for n, kind in enumerate(["01", "01", "11", "01", "03", "01"])]
ENSEMBL = [f"ENSG0000000000{n}.{n + 1}" for n in range(GENES)]
SYMBOLS = ["TP53", "A1BG", "BRCA1", "MKI67"]
PAIRED = ["?|100130426", "TP53|7157", "SLC35E2|728661", "SLC35E2|9906"]
FIREHOSE = "{0}.rnaseqv2__illuminahiseq_rnaseqv2__unc_edu__Level_3__RSEM_genes_normalized__data.data.txt"


@dataclass(frozen=True)
class Format:
    """Files whose names begin with matrix, labels or annotation, and the settings that make a cohort of them."""

    source: str
    files: tuple[Piece, ...]
    settings: dict = field(default_factory=dict)


def grid(rows, columns, values, corner="", delimiter="\t"):
    """Return a table as text."""
    lines = [delimiter.join([corner, *columns])]
    lines += [delimiter.join([row, *map(str, cells)]) for row, cells in zip(rows, values, strict=True)]
    return "\n".join(lines) + "\n"


def text(name, content):
    return Piece(name, content if isinstance(content, bytes) else content.encode())


def fixed(name, content):
    return Piece(name, content.encode(), fixed=True)


def zipped(name, *pieces):
    return packed(name, lambda contents: gzip.compress(contents[0], mtime=0), *pieces)


def tar(name, members, *pieces):
    """Return an uncompressed tar archive of pieces under the names of members."""

    def pack(contents):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for member, content in zip(members, contents, strict=True):
                header = tarfile.TarInfo(member)
                header.size = len(content)
                archive.addfile(header, io.BytesIO(content))
        return buffer.getvalue()

    return packed(name, pack, *pieces)


def zip_archive(name, member, piece, method=zipfile.ZIP_DEFLATED):
    def pack(contents):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            archive.writestr(zipfile.ZipInfo(member), contents[0], method)
        return buffer.getvalue()

    return packed(name, pack, piece)


def series(samples, probes, values, labels):
    """Return a GEO series matrix."""
    names = "\t".join(f'"{sample}"' for sample in samples)
    rows = [
        '!Series_title\t"A \u201cquoted\u201d title"',
        "",
        f"!Sample_geo_accession\t{names}",
        "!Sample_characteristics_ch1\t" + "\t".join(f'"Tissue: {label}"' for label in labels),
        "!Sample_characteristics_ch1\t" + "\t".join(f'"Age: {n}"' for n in range(len(samples))),
        "!Sample_data_processing\t" + "\t".join(['"RMA"'] * len(samples)),
        "!Sample_platform_id\t" + "\t".join([f'"GPL{len(probes)}"'] * len(samples)),
        "!series_matrix_table_begin",
    ]
    table = grid([f'"{probe}"' for probe in probes], names.split("\t"), values, '"ID_REF"')
    return "\n".join(rows) + "\n" + table + "!series_matrix_table_end\n"


def geo(samples=range(SAMPLES), probes=range(GENES)):
    samples, probes = list(samples), list(probes)
    ids = [f"GSM{sample}" for sample in samples], [f"{probe}_at" for probe in probes]
    return series(*ids, VALUES[np.ix_(samples, probes)].T, [LABELS[sample] for sample in samples])


PLATFORM = (
    "^Annotation\n!Annotation_platform = GPL1\n#ID = ID from Platform data table\n!platform_table_begin\n"
    "ID\tGene title\tGene symbol\tChromosome annotation\n"
    "0_at\tx\tTP53\tChromosome 17, NC_000017.9 (100..200, complement)\n"
    "1_at\t\tA1BG /// A1BG\tChromosome 2, NC_000002.1 (9..10)///Chromosome 2, NC_000002.1 (7..8, complement)\n"
    "2_at\t\tA /// B\t\n3_at\t\t---\tChromosome X, Y\n!platform_table_end\n"
)
PROBE_MAP = "#id\tgene\tchrom\tchromStart\tchromEnd\tstrand\n" + "".join(
    f"{gene}\t{symbol}\tchr{n + 1}\t{100 * n}\t{100 * n + 50}\t+\n"
    for n, (gene, symbol) in enumerate(zip(ENSEMBL, SYMBOLS, strict=True))
)
PLAIN_ANNOTATION = "n\tgene_id\tgene_name\tchromosome\tstart\n" + "".join(
    f"{n}\t{gene}\t{symbol}\t{n}\t{n}5\n" for n, (gene, symbol) in enumerate(zip(ENSEMBL, SYMBOLS, strict=True))
)
PROBES = [f"{n}_at" for n in range(60)]  # enough for the search of near-duplicates
CUMIDA = grid(
    [f"{834 + n},{label}" for n, label in enumerate(LABELS)],
    ["type", *PROBES],
    np.random.default_rng(1).uniform(2, 14, (SAMPLES, 60)).round(2),
    "samples",
    ",",
)
SAMPLE_LABELS = "n\taliquot\ttype\tDo_not_use\n" + "".join(
    f'{n}\t{barcode}\t{label}\t"{n == 1}"\n' for n, (barcode, label) in enumerate(zip(BARCODES, LABELS, strict=True))
)
OWN_LABELS = "number,sample,class,batch\n" + "".join(f"{n},s{n},{label},b{n % 2}\n" for n, label in enumerate(LABELS))
OWN_SAMPLES = [f"s{n}" for n in range(SAMPLES)]
INSIDE = "label,name,TP53,A1BG,stage\n" + "".join(
    f"{label},s{n},{VALUES[n, 0]},{VALUES[n, 1]},low\n" for n, label in enumerate(LABELS)
)
COUNTS = (VALUES * 100).astype(int)


def cells(texts):
    array = np.empty((len(texts), 1), dtype=object)
    array[:, 0] = texts
    return array


def mat_variables():
    """Return the header of a MATLAB file and its three variables."""
    codes = np.array([[1.0 + (label == "lung")] for label in LABELS])
    variables = {"data": np.hstack([VALUES, codes]), "geneIds": cells(SYMBOLS).T, "cancerTypes": cells(LABELS)}
    pieces = []
    for name, value in variables.items():
        buffer = io.BytesIO()
        scipy.io.savemat(buffer, {name: value})
        pieces.append(Piece(name, buffer.getvalue()[128:], text=False))
    return [Piece("head", b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM", text=False), *pieces]


def compress_variables(contents):
    parts = [zlib.compress(content) for content in contents[1:]]
    return contents[0] + b"".join(struct.pack("<II", 15, len(part)) + part for part in parts)


def mat(name, compressed):
    return packed(name, compress_variables if compressed else b"".join, *mat_variables())


def firehose(name, cohort, barcodes):
    rows = grid(PAIRED, barcodes, COUNTS[: len(barcodes)].T + 0.5, "Hybridization REF").splitlines(keepends=True)
    rows.insert(1, "\t".join(["gene_id", *["normalized_count"] * len(barcodes)]) + "\n")
    members = ["x/MANIFEST.txt", f"x/{FIREHOSE.format(cohort)}"]
    pieces = fixed("manifest", "x"), text(f"table of {cohort}", "".join(rows))
    return zipped(name, tar(f"tar of {cohort}", members, *pieces))


def uci(name):
    folder = "TCGA-PANCAN-HiSeq-801x20531"
    ids = [f"sample_{n}" for n in range(SAMPLES)]
    data = text("data.csv", grid(ids, [f"gene_{n}" for n in range(GENES)], VALUES, "", ","))
    labels = text("labels.csv", grid(ids, ["Class"], [[label] for label in LABELS], "", ","))
    inner = zipped("tar.gz", tar("tar", [f"{folder}/data.csv", f"{folder}/labels.csv"], data, labels))
    return zip_archive(name, f"{folder}.tar.gz", inner, zipfile.ZIP_STORED)


def frame():
    return pd.DataFrame(VALUES.astype(np.float32), index=OWN_SAMPLES, columns=SYMBOLS).assign(
        label=pd.Categorical(LABELS), count=range(SAMPLES)
    )


def parquet(table=None, **options):
    """Return a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame()) if table is None else table, buffer, **options)
    return buffer.getvalue()


def h5ad(values):
    """Return an h5ad file."""
    obs = pd.DataFrame({"label": pd.Categorical(LABELS), "age": [np.nan, *range(1, SAMPLES)]}, index=OWN_SAMPLES)
    made = anndata.AnnData(values, obs=obs, var=pd.DataFrame({"symbol": SYMBOLS}, index=ENSEMBL))
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        anndata.io.write_elem(file, "/", made)
    return buffer.getvalue()


LISTED = b"content of the file"
LISTING_ADDRESS, LISTED_ADDRESS = "https://example.org/listing", "https://example.org/matrix.mat"
LISTING = json.dumps(
    [
        {"filename": "readme.txt", "size": 3},
        {
            "filename": "matrix.mat",
            "size": len(LISTED),
            "content_details": {
                "download_url": LISTED_ADDRESS,
                "sha256_hash": hashlib.sha256(LISTED).hexdigest(),
            },
        },
    ],
    indent=1,
)

GEO = {"label": {"field": "Tissue"}, "group": {"field": "Age"}}
OWN = {"label": {"field": "class"}, "batch": {"field": "batch"}}
TCGA = {"label": {"field": "type"}, "sample_types": {"all": ["01", "03"]}, "adjacent_label": "normal"}
OWN_INSIDE = {"sample": "name", "label": {"field": "label"}, "ignore": ["stage"]}
LABELLED = {"label": {"field": "label"}}
OF_PLATFORM = fixed("matrix.txt", geo())
OF_GENES = fixed("matrix.tsv", grid(ENSEMBL, OWN_SAMPLES, VALUES.T))
OF_LABELS = fixed("labels.csv", OWN_LABELS)
ROWS = grid(OWN_SAMPLES, ENSEMBL, VALUES, "id")
COLUMNS = grid(ENSEMBL, OWN_SAMPLES, VALUES.T, "id")
EBPP = grid(PAIRED, BARCODES, COUNTS.T - 300.5, "gene_id").replace(f"\t{COUNTS[2, 1] - 300.5}", "\tNA")
XENA = grid(SYMBOLS, [barcode[:15] for barcode in BARCODES], VALUES.T, "sample")
XENA_LABELS = grid(
    [barcode[:15] for barcode in BARCODES],
    ["sample_type_id", "type"],
    [[int(barcode[13:15]), label] for barcode, label in zip(BARCODES, LABELS, strict=True)],
    "sample",
)

FORMATS = {
    "GEO series matrix": Format("geo", (text("matrix.txt", geo()),), GEO),
    "GEO series matrix, gzipped": Format("geo", (zipped("matrix.txt.gz", text("table", geo())),), GEO),
    "GEO series matrix of two platforms": Format(
        "geo",
        (
            text("matrix1.txt", geo(range(3), [0, 1, 2])),
            text("matrix2.txt", geo(range(3, 6), [2, 3, 1, 0])),
            fixed("annotation.txt", PLATFORM),
        ),
        GEO,
    ),
    "GEO platform annotation": Format("geo", (OF_PLATFORM, text("annotation.annot", PLATFORM)), GEO),
    "GEO platform annotation, gzipped": Format(
        "geo", (OF_PLATFORM, zipped("annotation.annot.gz", text("table", PLATFORM))), GEO
    ),
    "Xena probe map": Format("table", (OF_GENES, OF_LABELS, text("annotation.probemap", PROBE_MAP)), OWN),
    "plain annotations": Format(
        "table",
        (OF_GENES, OF_LABELS, text("annotation1.tsv", PLAIN_ANNOTATION), text("annotation2.tsv", PROBE_MAP)),
        OWN,
    ),
    "CuMiDa": Format("cumida", (text("matrix.csv", CUMIDA),), {"label": {"field": "type"}}),
    "MATLAB": Format("mendeley", (mat("matrix.mat", False),), {"label": {"field": "cancerTypes"}}),
    "MATLAB, compressed": Format("mendeley", (mat("matrix.mat", True),), {"label": {"field": "cancerTypes"}}),
    "MATLAB in a zip": Format(
        "mendeley", (zip_archive("matrix.zip", "x/a.mat", mat("mat", True)),), {"label": {"field": "cancerTypes"}}
    ),
    "TCGA counts": Format(
        "tcga",
        (text("matrix.tsv", grid(ENSEMBL, BARCODES, COUNTS.T)), text("labels.tsv", SAMPLE_LABELS)),
        TCGA,
    ),
    "EB++": Format("tcga", (text("matrix.tsv", EBPP), text("labels.tsv", SAMPLE_LABELS)), TCGA),
    "Xena": Format(
        "tcga",
        (zipped("matrix.xena.gz", text("table", XENA)), zipped("labels.gz", text("types", XENA_LABELS))),
        {"label": {"field": "type"}, "normalised_jointly": "EB++"},
    ),
    "Firehose": Format(
        "tcga",
        (firehose("matrix1.tar.gz", "ACC", BARCODES[:3]), firehose("matrix2.tar.gz", "BRCA", BARCODES[3:])),
        {"label": {"field": "cohort"}},
    ),
    "UCI": Format("uci", (uci("matrix.zip"),), {"label": {"field": "Class"}}),
    "table with labels": Format("table", (text("matrix.csv", INSIDE),), OWN_INSIDE),
    "table and labels": Format("table", (text("matrix.tsv", ROWS), text("labels.csv", OWN_LABELS)), OWN),
    "table and labels, gzipped": Format(
        "table", (zipped("matrix.tsv.gz", text("table", ROWS)), text("labels.csv", OWN_LABELS)), OWN
    ),
    "table of genes in rows": Format("table", (text("matrix.tsv", COLUMNS), text("labels.csv", OWN_LABELS)), OWN),
    "labels": Format("tcga", (fixed("matrix.tsv", EBPP), text("labels.tsv", SAMPLE_LABELS)), TCGA),
    "labels of a table": Format("table", (fixed("matrix.tsv", COLUMNS), text("labels.csv", OWN_LABELS)), OWN),
    "Parquet": Format("table", (Piece("matrix.parquet", parquet(compression="snappy"), text=False),), LABELLED),
    "Parquet, uncompressed": Format(
        "table",
        (Piece("matrix.parquet", parquet(compression="none"), text=False), text("labels.csv", OWN_LABELS)),
        OWN | {"ignore": ["label", "count"]},
    ),
    "h5ad": Format("table", (Piece("matrix.h5ad", h5ad(COUNTS.astype(np.float32)), text=False),), LABELLED),
    "h5ad, sparse": Format(
        "table",
        (Piece("matrix.h5ad", h5ad(scipy.sparse.csr_matrix(COUNTS, dtype=np.float32)), text=False),),
        LABELLED,
    ),
}
