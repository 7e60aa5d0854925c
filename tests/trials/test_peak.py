"""Peak memory is what lives together."""

import torch
from torch import nn

from autopeft.trials.peak import watch_peak


def test_the_weights_count_from_the_start_and_what_is_freed_counts_no_longer():
    model = nn.Linear(100, 100)
    own = 4 * (100 * 100 + 100)
    rows = torch.zeros(250, 100)
    with watch_peak(model) as peak, torch.no_grad():
        assert peak() == own
        for _ in range(3):
            model(rows)
            assert peak() == own + 4 * 250 * 100


def test_what_the_backward_pass_needs_is_kept_alive():
    model = nn.Sequential(*(nn.Sequential(nn.Linear(100, 100), nn.Tanh()) for _ in range(4)))
    rows = torch.zeros(250, 100)
    output = 4 * 250 * 100
    with watch_peak(model) as peak:
        start = peak()
        loss = model(rows).sum()
        # Of each layer the tanh keeps its output; a linear layer's lives no longer than its tanh runs.
        assert peak() == start + 5 * output
        loss.backward()
        weights = 4 * sum(parameter.numel() for parameter in model.parameters())
        assert start + 4 * output < peak() <= start + 6 * output + weights


def test_views_and_the_results_of_others_are_counted_once():
    model = nn.Linear(10, 10)
    with watch_peak(model) as peak:
        start = peak()
        made = torch.zeros(1000)
        assert made.view(10, 100).t().reshape(-1).sum() == 0
        assert peak() <= start + 4 * 2000 + 64
