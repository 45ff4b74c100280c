"""Downloads from a server on 127.0.0.1 that can break off, refuse to go on, or not be there."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from src.data.download import DownloadError, download, md5_of

CONTENT = bytes(range(256)) * 2_000
MD5 = hashlib.md5(CONTENT).hexdigest()


@dataclass
class Server:
    """Serves `content`; the first answers end after the given numbers of bytes."""

    content: bytes = CONTENT
    breaks_after: list[int] = field(default_factory=list)
    knows_ranges: bool = True
    missing: bool = False
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            state.asked.append(wanted)
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and state.knows_ranges else 0
            if state.missing or start >= len(state.content):
                self.send_error(404 if state.missing else 416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(state.content) - start))
            self.end_headers()
            end = start + state.breaks_after.pop(0) if state.breaks_after else len(state.content)
            self.wfile.write(state.content[start:end])

        def log_message(self, *arguments: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{http.server_port}/aclImdb_v1.tar.gz"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "new folder" / "aclImdb_v1.tar.gz"


def test_a_whole_download_shows_its_progress(server, target, capfd):
    download(server.url, target, md5=MD5)
    assert target.read_bytes() == CONTENT
    assert md5_of(target) == MD5
    assert not target.with_name(target.name + ".part").exists()
    assert "100%" in capfd.readouterr().err


def test_a_broken_connection_is_taken_up_where_it_broke(server, target):
    server.breaks_after = [100_000, 50_000]
    download(server.url, target, md5=MD5)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_run_goes_on_where_an_earlier_one_broke_off(server, target):
    server.breaks_after = [100_000, 0]
    with pytest.raises(DownloadError, match="100,000 bytes have arrived"):
        download(server.url, target, md5=MD5)
    assert not target.exists()
    download(server.url, target, md5=MD5)
    assert target.read_bytes() == CONTENT
    assert server.asked[-1] == "bytes=100000-"


def test_a_server_that_ignores_ranges_is_read_from_the_start(server, target):
    server.knows_ranges = False
    server.breaks_after = [100_000]
    download(server.url, target, md5=MD5)
    assert target.read_bytes() == CONTENT


def test_a_part_that_is_whole_already_is_taken(server, target):
    target.parent.mkdir()
    target.with_name(target.name + ".part").write_bytes(CONTENT)
    download(server.url, target, md5=MD5)
    assert target.read_bytes() == CONTENT


def test_a_wrong_md5_deletes_what_came(server, target):
    server.content = CONTENT[:-1] + b"?"
    with pytest.raises(DownloadError, match=r"must have the MD5 .* was deleted"):
        download(server.url, target, md5=MD5)
    assert [path.name for path in target.parent.iterdir()] == [".lock"]
    server.content = CONTENT  # and the next attempt starts afresh
    download(server.url, target, md5=MD5)
    assert target.read_bytes() == CONTENT


def test_a_file_that_another_process_finished_is_left_alone(server, target):
    target.parent.mkdir()
    target.write_bytes(b"finished")
    download(server.url, target, md5=MD5)
    assert target.read_bytes() == b"finished"
    assert server.asked == []


def test_a_missing_page_is_an_error(server, target):
    server.missing = True
    with pytest.raises(DownloadError, match="Not Found; 0 bytes have arrived"):
        download(server.url, target, md5=MD5)
    assert not target.exists()


def test_no_server_is_an_error(server, target):
    port = server.url.split(":")[2].split("/")[0]
    with pytest.raises(DownloadError, match="0 bytes have arrived"):
        download(server.url.replace(port, "1"), target, md5=MD5)
