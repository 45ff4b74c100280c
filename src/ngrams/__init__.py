"""Evidence of n-grams beside the transformer: a linear model of exact n-grams, whose logits are added to its own."""
