"""Members of archives are streamed; evil, damaged and ambiguous archives are refused, and nothing is ever written."""

import gzip
import io
import os
import stat
import tarfile
import zipfile
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from gexflow.cohorts.archives import open_member
from gexflow.errors import InputError

TEXT = "id,a,b\n" + "".join(f"s{n},{value:.6f},{n}\n" for n, value in enumerate(np.random.default_rng(0).random(3000)))
DATA = TEXT.encode()
OTHER = b",Class\ns0,BRCA\n"


@pytest.fixture(autouse=True)
def nothing_is_written(tmp_path, monkeypatch):
    """Work in an empty folder and look at everything around it afterwards."""
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TMPDIR", str(folder))
    yield
    below = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "archive"]
    assert below == []


def tar(*members, mode="w"):
    """Members are pairs of name and content, or headers."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            header = tarfile.TarInfo(member[0])
            header.size = len(member[1])
            archive.addfile(header, io.BytesIO(member[1]))
    return buffer.getvalue()


def zipped(*members, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def special(name, kind, target="/etc/passwd"):
    header = tarfile.TarInfo(name)
    header.type, header.linkname = kind, target
    return header


def content_of(path, *args, **kwargs):
    with open_member(path, *args, **kwargs) as member:
        return member.name, member.file.read()


PAIR = (("TCGA/data.csv", DATA), ("TCGA/labels.csv", OTHER))
UCI = zipped(("TCGA.tar.gz", tar(*PAIR, mode="w:gz")))
PLAIN = {
    "zip": zipped(*PAIR),
    "stored zip": zipped(*PAIR, method=zipfile.ZIP_STORED),
    "tar": tar(*PAIR),
    "tar.gz": tar(*PAIR, mode="w:gz"),
    "tar.gz of two parts": gzip.compress(tar(*PAIR)[:700]) + gzip.compress(tar(*PAIR)[700:]),
}


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("wanted", ["data.csv", "TCGA/data.csv", "*/da?a.csv"])
def test_a_member_is_read_as_the_library_extracts_it(write, kind, wanted):
    assert content_of(write(PLAIN[kind], "archive"), wanted) == PAIR[0]


@pytest.mark.parametrize("inner", [tar(*PAIR, mode="w:gz"), tar(*PAIR)], ids=["gzipped", "plain"])
@pytest.mark.parametrize("pack", [zipped, tar], ids=["in zip", "in tar"])
def test_an_archive_in_an_archive_is_read(write, pack, inner):
    path = write(pack(("readme.txt", b"x"), ("TCGA.tar.gz", inner)), "archive")
    assert content_of(path, ".tar.gz", inner="labels.csv") == PAIR[1]
    assert content_of(path, ".tar.gz", inner="data.csv") == PAIR[0]


def test_a_member_feeds_the_fast_table_parser(write):
    with open_member(write(UCI, "archive"), ".tar.gz", inner="data.csv") as member:
        table = pyarrow.csv.read_csv(pa.input_stream(member.file))
    assert table.num_rows == 3000


def test_resource_forks_and_folders_are_no_members(write):
    members = (("__MACOSX/._data.csv", b"fork"), ("._data.csv", b"fork"), *PAIR)
    assert content_of(write(zipped(("data.csv/", b""), *members), "archive"), "data.csv") == PAIR[0]
    folder = special("deep/data.csv", tarfile.DIRTYPE, "")
    assert content_of(write(tar(folder, *members), "archive"), "data.csv") == PAIR[0]


@pytest.mark.parametrize("pack", [zipped, tar])
def test_not_exactly_one_fitting_member_is_refused_with_the_names(write, refused, pack):
    path = write(pack(*PAIR, ("TCGA/more_data.csv", b"1")), "archive")
    sentence = refused(content_of, path, "data.csv")
    assert "2 files" in sentence
    assert '"TCGA/more_data.csv"' in sentence
    sentence = refused(content_of, path, ".mat")
    assert "no file" in sentence
    assert '"TCGA/labels.csv"' in sentence
    with pytest.warns(UserWarning, match="Duplicate") if pack is zipped else pytest.MonkeyPatch.context():
        twice = pack(PAIR[0], PAIR[0])
    assert "2 files" in refused(content_of, write(twice, "archive"), "data.csv")


@pytest.mark.parametrize("name", ["/etc/data.csv", "../data.csv", "a/../../data.csv", "..\\data.csv", "C:\\data.csv"])
@pytest.mark.parametrize("pack", [zipped, tar])
def test_a_path_that_leads_out_is_refused_only_where_it_is_wanted(write, refused, pack, name):
    path = write(pack((name, DATA), PAIR[1]), "archive")
    assert "leads out of the archive" in refused(content_of, path, "data.csv")
    assert content_of(path, "labels.csv") == PAIR[1]


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (tarfile.SYMTYPE, "a link"),
        (tarfile.LNKTYPE, "a link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.BLKTYPE, "a device"),
        (tarfile.FIFOTYPE, "a device"),
    ],
)
def test_links_and_devices_are_refused_only_where_they_are_wanted(write, refused, kind, word):
    path = write(tar(special("data.csv", kind), PAIR[1]), "archive")
    assert word in refused(content_of, path, "data.csv")
    assert content_of(path, "labels.csv") == PAIR[1]


def test_a_link_in_a_zip_is_refused(write, refused):
    info = zipfile.ZipInfo("data.csv")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert "a link" in refused(content_of, write(buffer.getvalue(), "archive"), "data.csv")


def test_sparse_members_are_refused(write, refused):
    header = tarfile.TarInfo("data.csv")
    header.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.map": "0,0", "GNU.sparse.size": "999999999999"}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(header)
    assert "special file" in refused(content_of, write(buffer.getvalue(), "archive"), "data.csv")


def test_encrypted_and_unknown_packing_are_told_apart_from_damage(write, refused):
    content = bytearray(zipped(PAIR[1]))
    directory = content.rindex(b"PK\x01\x02")
    for place in (6, directory + 8):
        content[place] |= 1
    assert "encrypted" in refused(content_of, write(bytes(content), "archive"), "labels.csv")
    content = bytearray(zipped(PAIR[1]))
    for place in (8, directory + 10):
        content[place] = 97
    assert "cannot be read here" in refused(content_of, write(bytes(content), "archive"), "labels.csv")


@pytest.mark.parametrize(
    "pack",
    [
        lambda zeros: zipped(("data.csv", zeros)),
        lambda zeros: tar(("data.csv", zeros), mode="w:gz"),
        lambda zeros: tar(("big.bin", zeros), PAIR[0], mode="w:gz"),
    ],
    ids=["zip", "tar.gz", "another member"],
)
def test_a_bomb_is_refused(write, refused, pack):
    path = write(pack(b"\0" * (66 << 20)), "archive")
    assert "500 times its size" in refused(content_of, path, "data.csv")
    assert "1e-05 GB" in refused(content_of, path, "data.csv", most_bytes=10_000)


def test_a_bomb_within_an_archive_is_refused(write, refused):
    bomb = zipped(("a.tar.gz", gzip.compress(tar(("data.csv", b"\0" * (66 << 20))))))
    assert "times its size" in refused(content_of, write(bomb, "archive"), ".gz", inner="data.csv")


def test_the_bounds_let_ordinary_archives_pass(write):
    path = write(PLAIN["tar.gz"], "archive")
    whole = len(tar(*PAIR)) + 20_000  # tar pads
    assert content_of(path, "data.csv", most_bytes=whole) == PAIR[0]


def test_an_impossible_header_is_no_endless_loop(write, refused):
    header = tarfile.TarInfo("labels.csv")
    header.size = 1 << 60
    endless = header.tobuf(tarfile.GNU_FORMAT) + b"x" * 1024
    assert "ends too early" in refused(content_of, write(endless, "archive"), "data.csv")
    header.type = tarfile.XHDTYPE
    assert "impossible size" in refused(content_of, write(header.tobuf(tarfile.GNU_FORMAT), "archive"), "data.csv")


TABLE = b"a,b\n1,2\n" * 200


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "archive"), (TABLE, "archive"), (gzip.compress(TABLE), "archive"), (b"\0" * 2000, "found: none")],
    ids=["empty", "text", "gzipped text", "zero bytes: an empty tar"],
)
def test_what_is_no_archive_is_refused(write, refused, content, words):
    path = write(content, "archive")
    place, _, what = refused(content_of, path, "data.csv").partition(str(path))
    assert place == ""
    assert words in what


def test_a_zip_in_a_zip_and_a_missing_file_are_refused(write, refused, tmp_path):
    assert "zip archive in an archive" in refused(content_of, write(zipped(("a.zip", UCI)), "archive"), ".zip", "x")
    assert "does not exist" in refused(content_of, tmp_path / "none.zip", "data.csv")


def test_damage_that_shows_while_reading_is_a_sentence(write, refused):
    content = bytearray(zipped(("data.csv", DATA + b"s,1,2\n" * 500_000), method=zipfile.ZIP_STORED))
    content[-1000] ^= 1
    path = write(bytes(content), "archive")
    with open_member(path, "data.csv") as member:
        assert member.file.read(100) == DATA[:100]
        assert "CRC" in refused(member.file.read)
    with open_member(path, "data.csv") as member, pytest.raises(InputError, match="CRC"):
        pyarrow.csv.read_csv(pa.input_stream(member.file))


def test_a_wrong_checksum_of_gzip_is_found_before_the_first_byte(write, refused):
    content = bytearray(PLAIN["tar.gz"])
    content[-6] ^= 1
    assert "CRC" in refused(open_member(write(bytes(content), "archive"), "data.csv").__enter__)


def test_errors_of_the_reader_itself_pass_unchanged(write):
    with pytest.raises(zlib.error, match="mine"), open_member(write(UCI, "archive"), ".gz", "data.csv"):
        raise zlib.error("mine")


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "nested"])
def test_truncation_anywhere_is_refused(write, kind):
    whole, wanted = (UCI, (".gz", "data.csv")) if kind == "nested" else (PLAIN[kind], ("data.csv",))
    # The end mark of a tar archive is two blocks of zeros, of which one is enough, and padding.
    end = len(whole) if kind != "tar" else len(whole.rstrip(b"\0"))
    cuts = sorted({*range(0, end, max(1, end // 60)), *range(end - 40, end)})
    for cut in cuts:
        with pytest.raises(InputError):
            content_of(write(whole[:cut], "archive"), *wanted)


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "nested"])
def test_random_damage_gives_the_content_or_a_sentence(write, kind):
    small = (("TCGA/data.csv", DATA[:600]), PAIR[1])
    packed = {"zip": zipped(*small), "tar": tar(*small), "tar.gz": tar(*small, mode="w:gz")}
    whole = packed.get(kind) or zipped(("a.gz", packed["tar.gz"]))
    wanted = (".gz", "data.csv") if kind == "nested" else ("data.csv",)
    random = np.random.default_rng(zlib.crc32(kind.encode()))
    refusals = 0
    for _ in range(int(os.environ.get("GEXFLOW_DAMAGES", "150"))):
        content = bytearray(whole)
        for place in random.integers(len(content), size=random.integers(1, 5)):
            content[place] = random.integers(256)
        try:
            _, read = content_of(write(bytes(content), "archive"), *wanted)
        except InputError:
            refusals += 1
        else:
            assert kind == "tar" or read == small[0][1]  # a plain tar has no checksum of contents
    assert refusals
