"""What is kept of changes, and in how many bytes; no model in sight."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autopeft.methods.compression import COMPRESSION
from autopeft.methods.compression.positions import bits, pack_positions, position_bytes, unbits, unpack_positions

SIGNED = ("compeft", "stc")


def changes_of(count, seed=0):
    return np.random.default_rng(seed).standard_normal(count).astype(np.float32)


def kept(name, changes, **knobs):
    compression = COMPRESSION.words[name]
    knobs = {"density": 0.2, "scale": 1.0, **knobs}
    packed = compression.pack(changes, knobs)
    size = sum(value.nbytes for value in packed.values())
    return compression.unpack(packed, len(changes)), size, compression.bytes(len(changes), knobs)


@given(st.data())
def test_positions_come_back_and_take_the_bytes_that_were_said(data):
    length = data.draw(st.integers(1, 5000))
    positions = np.array(sorted(data.draw(st.sets(st.integers(0, length - 1), max_size=300))), dtype=np.int64)
    low, high = pack_positions(positions, length)
    assert low.nbytes + high.nbytes == position_bytes(len(positions), length)
    assert (unpack_positions(low, high, len(positions), length) == positions).all()


def test_positions_take_little_more_than_the_entropy():
    for share in (0.01, 0.05, 0.2, 0.5):
        count, length = int(100_000 * share), 100_000
        entropy = -length * (share * np.log2(share) + (1 - share) * np.log2(1 - share))
        assert entropy <= 8 * position_bytes(count, length) <= entropy + 0.7 * count


@given(st.lists(st.booleans(), max_size=40))
def test_bits_come_back(flags):
    assert unbits(bits(np.array(flags, dtype=bool)), len(flags)).tolist() == flags


@given(st.integers(1, 400), st.floats(1e-4, 1.0), st.sampled_from(sorted(COMPRESSION.words)), st.integers(0, 9))
def test_so_many_of_the_largest_are_kept_in_the_bytes_that_were_said(length, density, name, seed):
    changes = changes_of(length, seed)
    found, size, said = kept(name, changes, density=density)
    assert size == said
    if density == 1:
        assert (found == changes).all()
        return
    count = min(length, int(length * density) + 1)
    largest = np.argsort(-np.abs(changes))[:count]
    assert set(np.flatnonzero(found)) == set(largest) or (length == 1 and name == "compeft")
    if name == "pruned":
        assert (found[largest] == changes[largest]).all()
    else:
        assert (np.sign(found[largest]) == np.sign(changes[largest])).all() or length == 1


def test_what_is_as_large_as_the_smallest_that_is_kept_is_kept_and_zeros_never_are():
    ties = np.array([3, -2, 2, 2, 1, 0, 0, 0, 0, 0], dtype=np.float32)
    found, _, _ = kept("pruned", ties, density=0.15)
    assert found.tolist() == [3, -2, 2, 2, 0, 0, 0, 0, 0, 0]
    found, _, _ = kept("pruned", ties, density=0.9)
    assert (found == ties).all()


def test_compeft_has_one_size_the_spread_of_all_changes_and_stc_the_mean_of_those_kept():
    changes = changes_of(1000)
    found, _, _ = kept("compeft", changes, density=0.05, scale=4.0)
    size = 4 * torch.from_numpy(changes).double().std(unbiased=True).item()
    assert sorted(set(found.tolist())) == pytest.approx([-size, 0, size], rel=1e-6)
    assert np.count_nonzero(found) == 51
    found, _, _ = kept("stc", changes, density=0.05)
    mean = np.sort(np.abs(changes))[-51:].mean()
    # The release takes the mean with signs, which is about nothing (../shared's corrections).
    assert sorted(set(found.tolist())) == pytest.approx([-mean, 0, mean], rel=1e-6)


def test_the_whole_is_the_whole_and_nothing_is_nothing():
    for name in COMPRESSION.words:
        changes = changes_of(100)
        assert (kept(name, changes, density=1.0)[0] == changes).all()
        nothing = np.zeros(100, dtype=np.float32)
        assert (kept(name, nothing)[0] == nothing).all()
        assert kept(name, np.zeros(0, dtype=np.float32))[0].size == 0


def test_a_twentieth_of_lora_is_a_fortieth_of_its_bytes():
    changes = changes_of(1_000_000)
    _, size, _ = kept("compeft", changes, density=0.05)
    assert 4 * len(changes) / size > 80
    _, size, _ = kept("compeft", changes, density=0.5)
    assert 4 * len(changes) / size > 15


@pytest.mark.parametrize(
    "spoil",
    [
        lambda packed: packed.pop("count"),
        lambda packed: packed.pop("signs"),
        lambda packed: packed.update(count=torch.tensor([10**6])),
        lambda packed: packed.update(count=torch.tensor([-1])),
        lambda packed: packed.update(high=packed["high"][:-1]),
        lambda packed: packed.update(low=packed["low"].float()),
        lambda packed: packed.update(high=torch.zeros_like(packed["high"])),
        lambda packed: packed.update(low=torch.full_like(packed["low"], 255), high=packed["high"].flip(0)),
        lambda packed: packed.update(signs=packed["signs"][:-1]),
        lambda packed: packed.update(size=torch.tensor([1.0, 2.0])),
        lambda packed: packed.update(size=torch.tensor([float("nan")])),
        lambda packed: packed.update(size=torch.tensor([1.0 + 2.0j])),
        lambda packed: packed.update(count=torch.tensor([float("inf")])),
        lambda packed: packed.update(count=torch.tensor([51.5])),
        lambda packed: packed.update(all=torch.zeros(1000)),
    ],
)
def test_what_is_not_whole_is_refused(spoil):
    compression = COMPRESSION.words["compeft"]
    packed = compression.pack(changes_of(1000), {"density": 0.1, "scale": 1.0})
    spoil(packed)
    with pytest.raises(ValueError, match="what is packed is not whole"):
        compression.unpack(packed, 1000)


def test_numbers_of_another_length_are_refused():
    for name, density in (("pruned", 0.1), ("pruned", 1.0)):
        packed = COMPRESSION.words[name].pack(changes_of(100), {"density": density})
        packed.update({key: value[:-1] for key, value in packed.items() if key in ("values", "all")})
        with pytest.raises(ValueError, match="numbers are packed"):
            COMPRESSION.words[name].unpack(packed, 100)
