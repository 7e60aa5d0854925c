"""A log is read whole, whatever was torn, and followed to its end."""

import json
import threading
import time

import pytest

from autopeft.errors import StudyError
from autopeft.log_lines import RUN_LOG, follow_log, read_log


def line(event, **facts):
    entry = {"time": "2026-01-01T00:00:00.000+00:00", "event": event, "process": {"host": "h", "pid": 1}}
    return json.dumps(entry | facts).encode() + b"\n"


def ended(last):
    return last is not None and last["event"] == "ended"


def events(lines):
    return [each.entry and each.entry["event"] for each in lines]


def test_lines_are_read_in_their_order(tmp_path):
    (tmp_path / RUN_LOG).write_bytes(line("opened") + line("said", message="a b") + line("ended"))
    lines = list(read_log(tmp_path))
    assert events(lines) == ["opened", "said", "ended"]
    assert [each.number for each in lines] == [1, 2, 3]
    assert lines[1].text.encode() + b"\n" == line("said", message="a b")


def test_torn_lines_are_told_apart_at_the_end_and_in_the_middle(tmp_path):
    torn = line("said")[:20]
    for whole in (line("opened") + torn, line("opened") + torn + b"\n" + line("ended")):
        (tmp_path / RUN_LOG).write_bytes(whole)
        assert events(read_log(tmp_path))[:2] == ["opened", None]
    assert events(read_log(tmp_path))[2:] == ["ended"]


@pytest.mark.parametrize("text", [b"[1]\n", b"{}\n", b"\xff\n", b"7\n"])
def test_what_is_no_line_of_a_log_is_left_out(tmp_path, text):
    (tmp_path / RUN_LOG).write_bytes(text)
    assert events(read_log(tmp_path)) == [None]


def test_a_folder_without_a_log_is_told(tmp_path):
    with pytest.raises(StudyError, match=r"no log in .*: expected .*run\.jsonl.*--follow to wait for one"):
        read_log(tmp_path)


def test_a_follower_that_was_there_first_sees_all_to_the_end(tmp_path):
    seen = []
    follower = threading.Thread(target=lambda: seen.extend(follow_log(tmp_path / "run", ended, pause=0.01)))
    follower.start()
    time.sleep(0.05)
    (tmp_path / "run").mkdir()
    written = [line("opened"), *(line("said", message=str(number)) for number in range(20)), line("ended")]
    with (tmp_path / "run" / RUN_LOG).open("ab", buffering=0) as file:
        for each in written:
            # In two parts, as a reader may find it.
            file.write(each[:30])
            time.sleep(0.003)
            file.write(each[30:])
    follower.join(timeout=30)
    assert not follower.is_alive()
    assert [each.text.encode() + b"\n" for each in seen] == written


def test_what_is_written_just_before_the_end_is_told_is_seen(tmp_path):
    file = tmp_path / RUN_LOG
    file.write_bytes(line("opened"))

    def over(last):
        if last["event"] == "opened":
            file.write_bytes(line("opened") + line("said") + b'{"torn')
        return True

    assert events(follow_log(tmp_path, over, pause=0)) == ["opened", "said", None]
