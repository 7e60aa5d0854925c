"""Which points compression makes of a trial."""

import pytest

from autopeft.errors import AutopeftError, ConfigurationError
from autopeft.launch import open_run
from autopeft.methods.compression import COMPRESSION
from autopeft.selection import points_of, to_compress
from autopeft.space import BackboneShape
from tests.reporting.runs import make_run

SHAPE = BackboneShape(3, 32, 64, ("q", "k", "v", "o", "up", "down"))


@pytest.fixture(scope="module")
def row(tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("run") / "run", costs=("params", "bytes"), faults=False)
    return to_compress(open_run(run), "1")


def knobs(points):
    names = sorted({name for point in points for name in point.training} - {"learning_rate"})
    return [tuple(point.training[name] for name in names) for point in points]


def test_points_are_all_that_the_source_tries_unless_others_are_given(row):
    points = points_of(row, SHAPE)
    assert len(set(points)) == 5 * 9
    assert {point.training["compeft_density"] for point in points} == {0.05, 0.1, 0.2, 0.3, 0.5}
    assert all(point.modules == row.configuration["modules"] for point in points)
    given = points_of(row, SHAPE, "compeft", {"density": "5%, 0.5", "scale": "3"})
    assert knobs(given) == [(0.05, 3.0, "compeft"), (0.5, 3.0, "compeft")]
    assert knobs(points_of(row, SHAPE, "stc", {"density": "10%"})) == [("stc", 0.1)]
    assert len(points_of(row, SHAPE, "compeft", {"density": "5%,0.05, 5%", "scale": "1,1.0"})) == 1
    assert {each.name for each in COMPRESSION.words.values()} == {"compeft", "stc", "pruned"}


def test_all_of_it_is_one_point(row):
    given = points_of(row, SHAPE, "compeft", {"density": "50%,100%", "scale": "1,2"})
    assert knobs(given) == [(0.5, 1.0, "compeft"), (0.5, 2.0, "compeft"), (1.0, 1.0, "compeft")]


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("zip", {}, "there is no compression 'zip'; expected one of compeft, stc, pruned"),
        ("stc", {"scale": "1"}, "training.stc_scale"),
        ("compeft", {"density": "5%,120%"}, "training.compeft_density: found .*120%"),
        ("compeft", {"density": "0"}, "training.compeft_density: found"),
        ("compeft", {"density": ""}, "training.compeft_density: found ''"),
        ("compeft", {"scale": "big"}, "training.compeft_scale: found 'big'"),
        ("compeft", {"scale": "nan"}, "training.compeft_scale: found 'nan'"),
    ],
)
def test_what_cannot_be_is_told(row, name, given, said):
    with pytest.raises((AutopeftError, ConfigurationError), match=said):
        points_of(row, SHAPE, name, given)
