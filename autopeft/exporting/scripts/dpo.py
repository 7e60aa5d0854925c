"""Train by preferences with TRL's DPOTrainer and the adapter of `adapter_config.json`, which is off in the reference.

Settings are in `training.yaml`, in the keys of `trl dpo`; those given on the command line win, as `--max_steps 10`.
"""

from __future__ import annotations

from trl import DPOConfig, DPOTrainer

from autopeft.exporting.scripts.trl_main import main

if __name__ == "__main__":
    main(DPOTrainer, DPOConfig)
