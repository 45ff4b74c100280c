import io
import tarfile
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.data.archive import read_archive, read_compact, write_compact
from src.errors import UserError

from .conftest import PER_FOLDER, archive_files, write_tar


def test_every_review_is_read_in_order_of_label_and_number(small_archive):
    train, test, unlabelled = read_archive(small_archive)
    assert [review.id for review in train[:2]] == ["train/neg/0_2", "train/neg/1_2"]
    assert [review.id for review in train] == [f"train/neg/{n}_2" for n in range(30)] + [
        f"train/pos/{n}_9" for n in range(30)
    ]
    assert [review.label for review in test] == [0] * 8 + [1] * 8
    assert train[31].text == "train/pos number 1 <br />naïve"
    assert unlabelled == [f"train/unsup number {number} <br />naïve" for number in range(12)]


def test_the_film_of_file_n_is_line_n(small_archive):
    train, test, _ = read_archive(small_archive)
    assert [review.film for review in train] == [number // 3 for number in range(30)] * 2
    assert {review.film for review in train}.isdisjoint(review.film for review in test)


def test_the_order_in_the_archive_does_not_matter(small_archive, make_tar):
    files = archive_files()
    assert read_archive(make_tar(dict(reversed(files.items())))) == read_archive(small_archive)


@pytest.mark.usefixtures("small_counts")
def test_other_members_are_passed_over(tmp_path, small_archive):
    strange = tmp_path / "strange.tar.gz"
    link = tarfile.TarInfo("aclImdb/train/neg/0_2.txt")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    evil = [
        "../evil.txt",
        "/etc/evil",
        "aclImdb/train/pos/../neg/0_1.txt",
        "aclImdb/train/neg/1_1.txt.exe",
        "x/aclImdb/train/neg/0_1.txt",
    ]
    with tarfile.open(strange, "w:gz") as tar:
        tar.addfile(link)
        for name, content in [*archive_files().items(), *((name, b"evil") for name in evil)]:
            member = tarfile.TarInfo(name if name in evil else "./" + name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    before = sorted(tmp_path.rglob("*"))
    assert read_archive(strange) == read_archive(small_archive)
    assert sorted(tmp_path.rglob("*")) == before  # nothing was unpacked


@pytest.mark.usefixtures("small_counts")
def test_missing_reviews_are_counted(make_tar):
    files = archive_files()
    del files["aclImdb/test/pos/3_9.txt"]
    with pytest.raises(UserError, match=r"must hold .*test/pos 8, .* but holds .*test/pos 7, "):
        read_archive(make_tar(files))


@pytest.mark.usefixtures("small_counts")
def test_a_missing_split_is_seen(make_tar):
    files = {name: content for name, content in archive_files().items() if not name.startswith("aclImdb/test/")}
    with pytest.raises(UserError, match=r"but holds .*test/neg 0, test/pos 0, .* instead"):
        read_archive(make_tar(files))


@pytest.mark.usefixtures("small_counts")
def test_missing_films_are_named(make_tar):
    files = archive_files()
    files["aclImdb/train/urls_pos.txt"] = files["aclImdb/train/urls_pos.txt"][:-60]
    with pytest.raises(UserError, match=r"must name the film of every review .* does not for train/pos\."):
        read_archive(make_tar(files))


@pytest.mark.parametrize("damage", ["no tar", "no gzip", "truncated", "corrupted"])
def test_a_damaged_archive_is_refused_in_one_sentence(damage, small_archive, tmp_path):
    whole = small_archive.read_bytes()
    damaged = tmp_path / "damaged.tar.gz"
    half = len(whole) // 2
    damaged.write_bytes(
        {
            "no tar": b"reviews? none.",
            "no gzip": bytes(10_240),
            "truncated": whole[:half],
            "corrupted": whole[:half] + bytes(200) + whole[half + 200 :],
        }[damage]
    )
    with pytest.raises(UserError, match=r"^[^\n]*data\.archive[^\n]*$|must hold"):
        read_archive(damaged)


@pytest.mark.usefixtures("small_counts")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(damage=st.lists(st.tuples(st.integers(0, 2_000), st.binary(min_size=1, max_size=8)), min_size=1, max_size=3))
def test_whatever_the_damage_there_is_an_archive_or_a_sentence(damage, tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(write_tar(folder / "whole.tar.gz", archive_files()).read_bytes())
    for start, new in damage:
        content[start : start + len(new)] = new
    (folder / "damaged.tar.gz").write_bytes(content)
    with suppress(UserError):  # and no other exception
        read_archive(folder / "damaged.tar.gz")


def test_the_compact_file_holds_the_same(small_archive, tmp_path):
    archive = read_archive(small_archive)
    compact = tmp_path / "compact.npz"
    write_compact(archive, compact)
    assert read_compact(compact) == archive
    assert len(archive.unlabelled) == PER_FOLDER["train/unsup"]
    assert list(tmp_path.glob(".*")) == []  # nothing is left aside


def test_a_damaged_compact_file_counts_as_none(small_archive, tmp_path):
    compact = tmp_path / "compact.npz"
    assert read_compact(compact) is None
    write_compact(read_archive(small_archive), compact)
    whole = compact.read_bytes()
    compact.write_bytes(whole[: len(whole) // 2])
    assert read_compact(compact) is None
    middle = len(whole) // 4
    compact.write_bytes(whole[:middle] + bytes(b ^ 255 for b in whole[middle : middle + 20]) + whole[middle + 20 :])
    assert read_compact(compact) is None
