"""Where code that a model wrote can run and do no harm: a process that the kernel keeps from everything else."""

from autopeft.sandbox.checking import check_sandbox
from autopeft.sandbox.limits import Limits
from autopeft.sandbox.running import Ended, run

__all__ = ["Ended", "Limits", "check_sandbox", "run"]
