"""What a model learns: LightningModules with their loss, metrics and optimizer, and the callbacks around them."""
