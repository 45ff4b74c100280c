"""What a run is told by in TensorBoard's HPARAMS tab."""

from src.config.schema import TrainConfig


def hyperparameters(config: TrainConfig) -> dict[str, bool | int | float | str]:
    """Return what a sweep may vary, by dotted name, as TensorBoard's HPARAMS tab takes it."""
    flat: dict[str, bool | int | float | str] = {"seed": config.seed}
    for group in ("data", "tokenizer", "model", "task", "optimizer", "scheduler"):
        for key, value in getattr(config, group).model_dump(exclude={"evaluation_batch_tokens", "workers"}).items():
            flat[f"{group}.{key}"] = value if isinstance(value, bool | int | float | str) else str(value)
    for key in ("max_epochs", "precision", "accumulate_grad_batches"):
        flat[f"trainer.{key}"] = getattr(config.trainer, key)
    return flat
