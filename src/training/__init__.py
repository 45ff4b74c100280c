"""From a configuration to a trained run: the objects, the loop, checkpoints, going on."""
