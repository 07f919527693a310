"""The journal holds whole rows or none, and importing it twice is harmless."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from flowrouter.storage.journal import Journal, journal_name, strays
from tests.contracts.fakes import attempt_row, request_row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "requests.journal"


def ids(journal: Journal, size: int = 100) -> list[str]:
    return [row.id for batch in journal.batches(size) for row in batch]


def test_rows_come_back_whole(path: Path) -> None:
    rows = [
        request_row(1, error_text='line\nbreak "quoted" \u2028', receipt=b"\x7b\x7d"),
        request_row(2, attempts=(attempt_row(error="x"),), cost_pusd=2**62),
    ]
    Journal(path).append(rows)
    journal = Journal(path)
    assert journal.count == 2
    assert list(journal.batches(10)) == [rows]
    assert stat.S_IMODE((path.parent / "requests.journal.importing").stat().st_mode) == 0o600


def test_batches(path: Path) -> None:
    journal = Journal(path)
    journal.append(request_row(number) for number in range(5))
    assert [len(batch) for batch in journal.batches(2)] == [2, 2, 1]


def test_interrupted_import_starts_again(path: Path) -> None:
    journal = Journal(path)
    journal.append([request_row(1), request_row(2)])
    next(journal.batches(1))
    journal.append([request_row(3)])
    again = Journal(path)
    assert again.count == 3
    assert ids(again) == ["req_00000001", "req_00000002"]
    again.imported()
    assert again.count == 1
    assert ids(again) == ["req_00000003"]
    again.imported()
    assert (again.count, list(path.parent.iterdir())) == (0, [])


def test_torn_line_costs_only_itself(path: Path) -> None:
    journal = Journal(path)
    journal.append([request_row(1), request_row(2)])
    torn = path.read_bytes().rstrip()
    path.write_bytes(torn[:-20])
    journal = Journal(path)
    journal.append([request_row(3)])
    assert ids(journal) == ["req_00000001", "req_00000003"]


def test_full_disk_leaves_whole_lines(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(path)
    journal.append([request_row(1)])
    write, calls = os.write, []

    def short(descriptor: int, data: memoryview) -> int:
        calls.append(len(data))
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:40])

    monkeypatch.setattr(os, "write", short)
    with pytest.raises(OSError, match="No space"):
        journal.append([request_row(2)])
    monkeypatch.undo()
    assert journal.count == 1
    journal.append([request_row(3)])
    assert ids(journal) == ["req_00000001", "req_00000003"]


def test_what_json_cannot_hold(path: Path) -> None:
    journal = Journal(path)
    journal.append([request_row(1, error_text="lone \ud800"), request_row(2, client=object())])
    assert (journal.rejected, journal.count) == (1, 1)
    (batch,) = journal.batches(10)
    assert batch[0].error_text == "lone ?"


def test_what_is_no_row_is_kept_apart(path: Path) -> None:
    path.write_bytes(b'{"id":"r"}\nrubbish\n\n')
    journal = Journal(path)
    assert (journal.count, ids(journal), journal.rejected) == (2, [], 2)
    journal.imported()
    assert path.with_name("requests.journal.rejected").read_bytes().split() == [b'{"id":"r"}', b"rubbish"]


def test_each_worker_has_a_journal_and_the_first_adopts_what_is_left(tmp_path: Path) -> None:
    names = [journal_name(worker) for worker in range(4)]
    assert names == ["requests.journal", "requests.1.journal", "requests.2.journal", "requests.3.journal"]
    for number, name in enumerate(names):
        Journal(tmp_path / name).append([request_row(number)])
    next(Journal(tmp_path / names[3]).batches(1))  # it died while it imported
    Journal(tmp_path / names[3]).append([request_row(4)])
    (tmp_path / "requests.old.journal").write_text("another program's")
    first = Journal(tmp_path / names[0])
    left = strays(tmp_path, 2)
    assert [path.name for path in left] == [
        "requests.2.journal",
        "requests.3.journal",
        "requests.3.journal.importing",
    ]
    first.adopt(left)
    assert first.count == 4
    assert sorted(ids(first)) == ["req_00000000", "req_00000002", "req_00000003", "req_00000004"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "requests.1.journal",
        "requests.journal.importing",
        "requests.old.journal",
    ]
