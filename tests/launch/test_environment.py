"""What is recorded of the machine that searched."""

import platform

from autopeft.launch import environment


def test_it_tells_versions_and_hardware_but_not_whose_machine_it_was():
    told = environment()
    assert told["Python"] == platform.python_version()
    assert "torch " in told["packages"]
    assert "processors" in told["machine"]
    assert platform.node() not in " ".join(told.values())
