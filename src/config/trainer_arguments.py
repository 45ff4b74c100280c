"""The arguments of Lightning's Trainer that are no keys here, and what does their work."""

from collections.abc import Mapping

PLANS = "the plans of src/data/batching.py deal the reviews, and a resumed run takes them up where it was"
INSTEAD: Mapping[str, str] = {
    "trainer.barebones": "leave out what is not wanted: trainer.progress=false, checkpoint.every=100000",
    "trainer.callbacks": "choose them by callbacks=OPTION",
    "trainer.check_val_every_n_epoch": "validations belong to an epoch (trainer.val_check_interval), and a resumed run "
    "takes them up where it was",
    "trainer.default_root_dir": "say hydra.run.dir=FOLDER",
    "trainer.enable_autolog_hparams": "hyperparameters are logged once, with the figures that came of them",
    "trainer.enable_checkpointing": "say how often to save by checkpoint.every and checkpoint.every_minutes",
    "trainer.enable_progress_bar": "say trainer.progress=true or false",
    "trainer.fast_dev_run": "say debug=fast",
    "trainer.gradient_clip_algorithm": "say optimizer.max_gradient_norm=NUMBER",
    "trainer.gradient_clip_val": "say optimizer.max_gradient_norm=NUMBER",
    "trainer.limit_predict_batches": "texts are classified by python -m src.predict",
    "trainer.logger": "choose it by logger=OPTION",
    "trainer.model_registry": "a run folder holds all that it learnt; export it by python -m src.export",
    "trainer.num_sanity_val_steps": "say debug=fast to try a validation first",
    "trainer.overfit_batches": "say debug=overfit",
    "trainer.plugins": "precision and checkpoints are trainer.precision and checkpoint.*",
    "trainer.reload_dataloaders_every_n_epochs": PLANS,
    "trainer.use_distributed_sampler": PLANS,
}


def left_out(key: str) -> str | None:
    """Say what does the work of an argument of Lightning's Trainer that is no key here; None for any other key."""
    instead = INSTEAD.get(key)
    return None if instead is None else f"`{key}` must be left to this program; {instead}."
