"""How every parameter begins, in one place.

Sources: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", eq. (16),
for linear maps; Vaswani et al. 2017, section 3.4, for the scale of embeddings.
"""

import torch
from torch import nn

from src.transformer.embedding import BigramEmbedding
from src.transformer.positions import RelativePositions


@torch.no_grad()
def initialize(model: nn.Module) -> None:
    """Set every parameter of `model` anew from torch's random generator.

    Linear maps: Xavier uniform, biases zero. Embeddings: normal with deviation D^-0.5, so that sqrt(D) times them has
    variance one; the padding row zero. Norms: one and zero. Relative biases: normal, 0.02, next to no preference.
    Bigrams: zero, since most are rare and say nothing.
    A bare parameter (the classifier's query): as an embedding.

    Raises:
        TypeError: a module holds parameters for which there is no rule here.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)
            if module.padding_idx is not None:
                module.weight[module.padding_idx] = 0.0
        elif isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        else:
            for own, parameter in module.named_parameters(recurse=False):
                if own != "query":
                    raise TypeError(f"There is no initialization rule for the parameter `{own}` of `{name}`.")
                nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
    for module in model.modules():
        if isinstance(module, RelativePositions):
            nn.init.normal_(module.biases.weight, std=0.02)
        elif isinstance(module, BigramEmbedding):
            nn.init.zeros_(module.table.weight)
