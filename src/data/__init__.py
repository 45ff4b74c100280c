"""From where reviews lie to padded batches of ids; `src.batch` is all that this package shares with the model."""
