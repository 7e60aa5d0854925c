"""How many trials a cluster runs at once, on which parts of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopeft.errors import AutopeftError
from autopeft.launch.cluster import Cluster, Node
from autopeft.launch.places import Places

CPUS = st.builds(Node, cpus=st.integers(0, 64).map(float), gpus=st.just(0.0))
ANY = st.builds(Node, cpus=st.integers(1, 64).map(float), gpus=st.integers(0, 8).map(float))


@given(st.lists(CPUS, max_size=6))
def test_uneven_nodes_are_used_fully(nodes):
    cores = int(sum(node.cpus for node in nodes))
    if not cores:
        with pytest.raises(
            AutopeftError, match="no node of the cluster has room for a trial, which takes a CPU; found"
        ):
            Cluster(tuple(nodes)).places(None)
        return
    assert Cluster(tuple(nodes)).places(None) == Places(cores, 0, grows=True)


@given(st.lists(ANY, min_size=1, max_size=6), st.integers(1, 64))
def test_no_node_is_given_more_than_it_has(nodes, asked):
    cluster = Cluster(tuple(nodes))
    places = cluster.places(asked)
    assert places.workers == asked
    for node in nodes:
        room = node.room(places.gpus)
        assert room <= node.cpus
        assert room * places.gpus <= node.gpus + 1e-6 or not places.gpus
    if sum(node.gpus for node in nodes) >= asked and all(node.cpus >= node.gpus for node in nodes):
        assert places.gpus == 1.0
        assert cluster.room(places.gpus) >= asked


@pytest.mark.parametrize("parts", range(1, 17))
@pytest.mark.parametrize("gpus", range(1, 9))
def test_parts_of_gpus_fill_them(parts, gpus):
    assert Node(1000, gpus).room(1 / parts) == parts * gpus


def test_where_nodes_have_gpus_a_trial_takes_one_and_the_others_run_none():
    cluster = Cluster((Node(8, 2, gpu="H100"), Node(8, 1, gpu="A100"), Node(32, 0)))
    places = cluster.places(None)
    assert places == Places(3, 3, grows=True)
    assert cluster.at_once(places) == "3 trials at once, each on a CPU and 1 of a GPU, more as nodes come"
    assert cluster.describe() == "3 nodes: 1 of 8 CPUs, 2 GPUs (H100); 1 of 8 CPUs, 1 GPU (A100); 1 of 32 CPUs"


def test_nodes_that_declare_how_many_they_run_run_them_alone():
    cluster = Cluster((Node(8, 0, slots=2), Node(1, 0, slots=4), Node(64, 0)))
    assert cluster.declared
    assert cluster.places(None) == Places(3, 0, grows=True)
    with pytest.raises(
        AutopeftError, match=r"has room for a trial, which takes a CPU; found 2 nodes: 1 of 64 CPUs; 1 of 8"
    ):
        Cluster((Node(8, 0, slots=0.5), Node(64, 0))).places(None)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (None, "5 trials at once, each on a CPU, more as nodes come"),
        (1, "1 trial at once, on a CPU"),
        (5, "5 trials at once, each on a CPU"),
        (9, "5 trials at once of the 9 that --workers asks for, each on a CPU, more as nodes come"),
    ],
)
def test_it_is_said_how_many_run_at_once(asked, said):
    cluster = Cluster((Node(2, 0), Node(3, 0)))
    assert cluster.at_once(cluster.places(asked)) == said


def test_alike_nodes_are_counted():
    assert Cluster((Node(1, 0), Node(2, 0), Node(2, 0))).describe() == "3 nodes: 2 of 2 CPUs; 1 of 1 CPU"
    assert Cluster(()).describe() == "no node"
