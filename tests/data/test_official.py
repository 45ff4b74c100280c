import hashlib
import logging

import pytest

from src.data import archive
from src.data.official import OfficialReviews
from src.errors import UserError

from .conftest import archive_files


def official(small_archive, tmp_path, **changes) -> OfficialReviews:
    settings = {"archive": small_archive, "download_folder": tmp_path / "downloads", "validation": 12}
    return OfficialReviews(**(settings | changes))


def test_validation_is_exact_balanced_and_shares_no_film(small_archive, tmp_path):
    train, validation, test = official(small_archive, tmp_path).splits()
    assert (len(train), len(validation), len(test)) == (48, 12, 16)
    assert sum(review.label for review in validation) == 6
    assert {review.film for review in train}.isdisjoint(review.film for review in validation)


def test_without_validation_all_training_reviews_are_trained_on(small_archive, tmp_path):
    splits = official(small_archive, tmp_path, validation=0).splits()
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (60, 0, 16)


def test_unlabelled_reviews_are_there(small_archive, tmp_path):
    assert len(official(small_archive, tmp_path).unlabelled()) == 12


def test_the_archive_is_read_once(small_archive, tmp_path, monkeypatch):
    first = official(small_archive, tmp_path).splits()
    monkeypatch.setattr(archive, "read_archive", lambda path: pytest.fail("the archive was read again"))
    assert official(small_archive, tmp_path).splits() == first


def test_a_damaged_compact_file_is_made_again(small_archive, tmp_path):
    first = official(small_archive, tmp_path).splits()
    (compact,) = (tmp_path / "downloads").glob("*.npz")
    compact.write_bytes(b"damaged")
    assert official(small_archive, tmp_path).splits() == first
    assert compact.stat().st_size > 100


def test_another_md5_warns_and_the_counts_decide(small_archive, tmp_path, caplog, make_tar):
    with caplog.at_level(logging.WARNING):
        official(small_archive, tmp_path).splits()
    assert "decides whether it will do" in caplog.text
    files = archive_files()
    del files["aclImdb/train/neg/0_2.txt"]
    with pytest.raises(UserError, match="train/neg 29"):
        official(make_tar(files), tmp_path).splits()


def test_the_official_md5_does_not_warn(small_archive, tmp_path, caplog):
    md5 = hashlib.md5(small_archive.read_bytes()).hexdigest()
    official(small_archive, tmp_path, md5=md5).splits()
    assert caplog.text == ""


def test_the_fingerprint_knows_the_archive_and_the_size(small_archive, tmp_path, make_tar):
    files = archive_files() | {"aclImdb/test/neg/0_2.txt": b"another"}
    fingerprints = {
        official(small_archive, tmp_path).fingerprint(),
        official(small_archive, tmp_path).fingerprint(),
        official(small_archive, tmp_path, validation=6).fingerprint(),
        official(make_tar(files), tmp_path).fingerprint(),
    }
    assert len(fingerprints) == 3


def test_a_missing_archive_is_named(tmp_path):
    with pytest.raises(UserError, match=r"`data\.archive` must be a copy .*nowhere\.tar\.gz is not a file"):
        OfficialReviews(archive=tmp_path / "nowhere.tar.gz", download_folder=tmp_path).fingerprint()


def test_offline_both_ways_out_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    source = OfficialReviews(archive=None, download_folder=tmp_path, url="http://127.0.0.1:1/aclImdb_v1.tar.gz")
    with pytest.raises(UserError, match=r"^[^\n]*data\.archive=PATH[^\n]*data=imdb_bundled[^\n]*$"):
        source.splits()


def test_a_downloaded_archive_is_used_without_asking_the_network(small_archive, tmp_path):
    md5 = hashlib.md5(small_archive.read_bytes()).hexdigest()
    source = OfficialReviews(archive=None, download_folder=tmp_path, validation=0, url="http://127.0.0.1:1/x", md5=md5)
    assert small_archive.parent == tmp_path
    assert len(source.splits().train) == 60


def test_a_download_that_was_damaged_since_is_deleted_and_fetched_again(small_archive, tmp_path, monkeypatch):
    whole = small_archive.read_bytes()
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    (downloads / "aclImdb_v1.tar.gz").write_bytes(whole[:100])

    def download(url, target, *, md5):
        assert not target.exists()
        target.write_bytes(whole)

    monkeypatch.setattr("src.data.official.download", download)
    source = OfficialReviews(
        archive=None, download_folder=downloads, validation=0, url="", md5=hashlib.md5(whole).hexdigest()
    )
    assert len(source.splits().train) == 60


def test_a_download_with_a_wrong_hash_is_deleted_and_the_ways_out_named(tmp_path, monkeypatch):
    """The server's answer is not the archive; nothing of it may be taken for a beginning later."""
    monkeypatch.setattr("src.data.download._go_on", lambda url, part, *, timeout: part.write_bytes(b"<html>"))
    source = OfficialReviews(archive=None, download_folder=tmp_path / "downloads", url="http://127.0.0.1:1/x")
    with pytest.raises(UserError, match=r"^[^\n]*was deleted\)[^\n]*data\.archive=PATH[^\n]*$"):
        source.splits()
    assert [path.name for path in (tmp_path / "downloads").iterdir()] == [".lock"]


def test_an_archive_that_the_user_gave_is_never_deleted(tmp_path):
    mine = tmp_path / "mine.tar.gz"
    mine.write_bytes(b"no archive")
    with pytest.raises(UserError, match=r"`data\.archive` must be a whole gzipped tar archive"):
        OfficialReviews(archive=mine, download_folder=tmp_path / "downloads").splits()
    assert mine.read_bytes() == b"no archive"


def test_an_impossible_size_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"`data\.validation` must be at least 0 and less than the 25,000"):
        OfficialReviews(archive=None, download_folder=tmp_path, validation=25_000)


def test_a_folder_that_cannot_be_written_costs_only_time(small_archive, tmp_path, caplog):
    (tmp_path / "downloads").write_text("in the way")
    assert len(official(small_archive, tmp_path).splits().train) == 48
    assert "cannot be kept" in caplog.text
