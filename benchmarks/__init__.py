"""Other methods on the same reviews, so that a figure of ours can be told from an easy one."""
