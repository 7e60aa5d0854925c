"""Fine-tune with TRL's SFTTrainer and the adapter of `adapter_config.json`.

Settings are in `training.yaml`, in the keys of `trl sft`; those given on the command line win, as `--max_steps 10`.
"""

from __future__ import annotations

from trl import SFTConfig, SFTTrainer

from autopeft.exporting.scripts.trl_main import main

if __name__ == "__main__":
    main(SFTTrainer, SFTConfig)
