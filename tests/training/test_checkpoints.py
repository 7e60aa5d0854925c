"""A training goes on from the last checkpoint that is whole."""

from autopeft.training.checkpoints import last_whole, seal


def checkpoint(folder, step, *, sealed=True):
    made = folder / f"checkpoint-{step}"
    made.mkdir()
    (made / "adapters.safetensors").write_bytes(bytes(100))
    (made / "trainer_state.json").write_text("{}")
    if sealed:
        seal(made)
    return made


def test_without_any_it_begins(tmp_path):
    assert last_whole(tmp_path / "nowhere") is None
    (tmp_path / "runs").mkdir()
    assert last_whole(tmp_path) is None


def test_the_last_is_taken_by_its_number(tmp_path):
    for step in (9, 10, 100):
        last = checkpoint(tmp_path, step)
    assert last_whole(tmp_path) == last


def test_one_that_was_cut_or_not_finished_is_passed_over(tmp_path):
    whole, cut, unfinished = (checkpoint(tmp_path, step) for step in (1, 2, 3))
    (cut / "adapters.safetensors").write_bytes(bytes(50))
    (unfinished / "trainer_state.json").unlink()
    assert last_whole(tmp_path) == whole


def test_one_that_was_not_yet_sealed_counts_when_its_last_file_is_there(tmp_path):
    checkpoint(tmp_path, 1)
    last = checkpoint(tmp_path, 2, sealed=False)
    assert last_whole(tmp_path) == last
    (last / "trainer_state.json").write_text('{"epoch": ')
    assert last_whole(tmp_path) == tmp_path / "checkpoint-1"
