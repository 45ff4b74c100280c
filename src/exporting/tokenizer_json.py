"""The run's tokenizer as one `tokenizer.json` that Hugging Face's `tokenizers` loads.

It gives the ids of this project's own tokenizer for every text, and no text can spell a special token there either:
their names are not in its vocabulary, except `<unk>`, which is what such a text becomes. That holds for the version of
`tokenizers` it was written with. Another one, whose Unicode has other capitals, may differ in words with a capital that
one of the two does not know (`OTHER_VERSIONS`, in config.json), and in nothing else. Left out, because the format
cannot say it: that a long text loses its middle, and that one without a token is read as one `<unk>`.
"""

import json
from typing import Any

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers

from src.batch import Special
from src.data.tokenizer import Tokenizer
from src.data.tokenizers import BasicEnglish, BytePairEncoding
from src.data.unspaced_scripts import CHARACTERS, TOKEN
from src.data.vocabulary import SPECIAL_TOKENS, Vocabulary
from src.exporting.lower_case import lower_case

OTHER_VERSIONS = (
    f"the ids of the run for every text, by tokenizers {tokenizers.__version__}; a version that knows the capitals of "
    "another Unicode may differ in words that hold one of those"
)
UNKNOWN = SPECIAL_TOKENS[Special.UNK]
# Python counts the separators 0x1c to 0x1f as white space, the regular expressions of `tokenizers` do not
_WHITE = r"[\s\x1c-\x1f]"
# What torchtext's basic_english puts in the place of what, in its order
_BASIC_ENGLISH = (
    ("'", " '  "),
    ('"', ""),
    (".", " . "),
    ("<br />", " "),
    (",", " , "),
    ("(", " ( "),
    (")", " ) "),
    ("!", " ! "),
    ("?", " ? "),
    (";", " "),
    (":", " "),
)


def tokenizer_json(tokenizer: Tokenizer) -> str | None:
    """Describe the tokenizer of a run, with its ids; None for one from elsewhere that has no such description."""
    if isinstance(tokenizer, BasicEnglish):
        described = _basic_english(tokenizer)
    elif isinstance(tokenizer, BytePairEncoding):
        described = _bpe(tokenizer)
    else:
        return tokenizer.tokenizer_json()
    return json.dumps(described, ensure_ascii=False, indent=2) + "\n"


def _basic_english(tokenizer: BasicEnglish) -> dict[str, Any]:
    description = tokenizers.Tokenizer(models.WordLevel({UNKNOWN: int(Special.UNK)}, unk_token=UNKNOWN))
    description.normalizer = normalizers.Sequence(
        [
            *lower_case(tokenizer.vocabulary.state()),
            *(normalizers.Replace(sign, instead) for sign, instead in _BASIC_ENGLISH),
            normalizers.Replace(tokenizers.Regex(f"{_WHITE}+"), " "),
        ]
    )
    description.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if tokenizer.unspaced_scripts == CHARACTERS:
        signs = pre_tokenizers.Split(tokenizers.Regex(TOKEN), behavior="isolated")
        description.pre_tokenizer = pre_tokenizers.Sequence([description.pre_tokenizer, signs])
    described: dict[str, Any] = json.loads(description.to_str())
    # Not through `tokenizers`, which warns of the ids that have no token: those of the special tokens
    described["model"]["vocab"] = {UNKNOWN: int(Special.UNK)} | _ordinary_ids(tokenizer.vocabulary)
    return described


def _bpe(tokenizer: BytePairEncoding) -> dict[str, Any]:
    description = tokenizers.Tokenizer.from_str(tokenizer.state()["description"])
    without_only_white_space = normalizers.Replace(tokenizers.Regex(rf"\A{_WHITE}+\z"), "")
    description.normalizer = normalizers.Sequence([without_only_white_space, description.normalizer])
    described: dict[str, Any] = json.loads(description.to_str())
    described["model"]["vocab"] = _ordinary_ids(tokenizer.vocabulary)
    return described


def _ordinary_ids(vocabulary: Vocabulary) -> dict[str, int]:
    return {token: place for place, token in enumerate(vocabulary.state(), start=len(Special))}
