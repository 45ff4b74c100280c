"""The model, from scratch: attention, positions, blocks, stacks, and the two models made of them.

Reading order: `attention`, `positions`, `feedforward`, `blocks`, `encoder`, `decoder`, `embedding`, then `transformer`
(sequence to sequence, with `decoding`) or `classifier`. Nothing here knows where reviews come from or how a loss is
computed: a model takes a batch of `src.batch` and answers with logits.
"""
