"""From a run folder to answers: read it, classify texts with it, in Python or as a stream of lines.

Nothing here knows lightning, torchmetrics or hydra: what a run learnt is plain values and tensors.
"""
