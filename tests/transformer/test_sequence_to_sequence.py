"""The whole transformer learns: copy and reverse, judged on sequences it has never seen, produced token by token.

Copying proves that cross-attention finds a place; reversing, that it finds one that depends on the length. Both fail
when the cross-attention is silenced, so the answer really comes through it.
"""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from src.batch import SequenceToSequenceBatch, Special
from src.transformer.blocks import DecoderBlock
from src.transformer.decoding import decode_greedily
from src.transformer.transformer import Transformer

SYMBOLS, LONGEST = 20, 10
FIRST = len(Special)  # ids of symbols begin here
STEPS, BATCH, RATE = 1000, 64, 5e-3


def held_out(tokens_BL):
    """Put each possible sequence on one side once and for all, by a checksum: about one in ten is held out."""
    factors = 31 ** torch.arange(tokens_BL.shape[1])
    return (tokens_BL * factors).sum(1) % 10 == 0


def draw(count, *, unseen, generator):
    """Sequences (count, LONGEST) of 1 to 10 symbols, padded on the right, all on one side of the checksum."""
    drawn = torch.randint(FIRST, FIRST + SYMBOLS, (20 * count, LONGEST), generator=generator)
    lengths = torch.randint(1, LONGEST + 1, (20 * count, 1), generator=generator)
    drawn[torch.arange(LONGEST) >= lengths] = Special.PAD
    return drawn[held_out(drawn) == unseen][:count]


def task_batch(tokens_BL, task):
    valid_BL = tokens_BL != Special.PAD
    lengths_B1 = valid_BL.sum(1, keepdim=True)
    answer_BL = tokens_BL
    if task == "reverse":
        places_BL = (lengths_B1 - 1 - torch.arange(LONGEST)).clamp(min=0)
        answer_BL = tokens_BL.gather(1, places_BL).masked_fill(~valid_BL, Special.PAD)
    targets_BT = F.pad(answer_BL, (1, 1)).scatter(1, lengths_B1 + 1, int(Special.EOS))
    targets_BT[:, 0] = Special.BOS
    index_B = torch.arange(len(tokens_BL))
    return SequenceToSequenceBatch(tokens_BL, valid_BL, targets_BT, targets_BT != Special.PAD, index_B)


def train(task, seed):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = Transformer(
        source_vocabulary_size=FIRST + SYMBOLS,
        target_vocabulary_size=FIRST + SYMBOLS,
        shared_embeddings=True,
        tied_output=True,
        dim=64,
        num_heads=4,
        encoder_layers=1,
        decoder_layers=1,
        feedforward_dim=128,
        activation="gelu",
        norm="pre",
        positions="sinusoidal",
        max_length=LONGEST + 2,
        padding_id=Special.PAD,
        dropout=0.0,
        embedding_dropout=0.0,
        attention_dropout=0.0,
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS, pct_start=0.1)
    for _ in range(STEPS):
        batch = task_batch(draw(BATCH, unseen=False, generator=generator), task)
        logits = model(batch)
        loss = F.cross_entropy(logits.flatten(0, 1), batch.targets_BT[:, 1:].flatten(), ignore_index=Special.PAD)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model.eval()


def exact_matches(model, task):
    """Share of 1,000 different unseen sequences whose whole answer, its end included, is right."""
    tokens_BL = draw(1500, unseen=True, generator=torch.Generator().manual_seed(12345)).unique(dim=0)
    tokens_BL = tokens_BL[torch.randperm(len(tokens_BL), generator=torch.Generator().manual_seed(6))[:1000]]
    assert len(tokens_BL) == 1000
    batch = task_batch(tokens_BL, task)
    ids = {"begin_id": Special.BOS, "end_id": Special.EOS, "padding_id": Special.PAD}
    produced_BT = decode_greedily(model, batch.tokens_BL, batch.valid_BL, max_length=LONGEST + 1, **ids)
    produced_BT = F.pad(produced_BT, (0, LONGEST + 1 - produced_BT.shape[1]))
    return (produced_BT == batch.targets_BT[:, 1:]).all(1).double().mean().item()


def silence_cross_attention(model):
    for block in model.modules():
        if isinstance(block, DecoderBlock):
            block.cross_attention.register_forward_hook(lambda _module, _inputs, output: torch.zeros_like(output))


@pytest.fixture
def one_thread():
    """Tensors this small gain nothing from a second thread, and threads that share a core wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("task", ["copy", "reverse"])
def test_unseen_sequences_are_decoded_exactly(task):
    model = train(task, seed=0)
    assert exact_matches(model, task) >= 0.995
    silence_cross_attention(model)
    assert exact_matches(model, task) < 0.2


def test_the_tasks_are_what_they_say():
    tokens = torch.tensor([[7, 8, 9] + [0] * 7, [5] + [0] * 9])
    assert task_batch(tokens, "copy").targets_BT.tolist() == [[2, 7, 8, 9, 3] + [0] * 7, [2, 5, 3] + [0] * 9]
    assert task_batch(tokens, "reverse").targets_BT.tolist() == [[2, 9, 8, 7, 3] + [0] * 7, [2, 5, 3] + [0] * 9]
    generator = torch.Generator().manual_seed(0)
    seen, unseen = (draw(200, unseen=side, generator=generator) for side in (False, True))
    assert len(seen) == len(unseen) == 200
    assert not {tuple(s) for s in seen.tolist()} & {tuple(s) for s in unseen.tolist()}
