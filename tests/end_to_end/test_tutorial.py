"""The tutorial's model stays in bounds: untruncated, its longest batches need 12 GB."""

import subprocess
import sys
from pathlib import Path

from tests.end_to_end.program import REPOSITORY

SIX_GB = 6 * 1024**3

# The batch with the most tokens of an epoch, forward, backward and an optimizer step, alone in a process
LONGEST_BATCH = """
import resource, sys
import torch
from src.training import assembly
from src.config.composition import CONFIG_FOLDER, compose_all, config_files, validate
from src.data.collate import BatchDataset
from omegaconf import OmegaConf

with config_files(folder=CONFIG_FOLDER, extra_folder=None, config_name="train"):
    config = compose_all("train", ["experiment=tutorial", f"paths.cache={sys.argv[1]}"])
OmegaConf.set_struct(config, False)
config.pop("hydra")
checked = validate(config)
data = assembly.build_data(checked)
data.setup()
task = assembly.build_task(checked, data)
batch = BatchDataset(data.encoded.train, padding_id=data.tokenizer.padding_id)[data.training_plan.largest()]
assert batch.tokens_BL.shape == (64, 512), batch.tokens_BL.shape
optimizer = torch.optim.Adam(task.parameters())
torch.nn.functional.cross_entropy(task(batch), batch.labels_B).backward()
optimizer.step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def test_its_longest_batch_fits_into_six_gigabytes(cache: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LONGEST_BATCH, str(cache)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=REPOSITORY,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) < SIX_GB
