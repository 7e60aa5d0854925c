"""`import autopeft` is enough for PEFT to know our methods, in whatever order, and imports nothing heavy."""

import subprocess
import sys

import pytest

KNOWN = "from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING as known; assert 'SERIAL_ADAPTER' in known"


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        f"import autopeft; {KNOWN}",
        f"import peft, autopeft; {KNOWN}",
        f"import autopeft, autopeft.methods; {KNOWN}",
        f"import autopeft, transformers, peft; {KNOWN}",
        "import sys, autopeft; assert not {'peft', 'torch'} & set(sys.modules)",
    ],
)
def test_known_to_peft(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
