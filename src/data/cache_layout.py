"""Where things lie in the cache folder, for those who write them and for `python -m src.cache`, which clears them.

    <cache>/encoded/<fingerprint>/    encoded reviews (`src.data.encoded`)
    <cache>/downloads/                the official archive, and the compact copy of what is in it (`src.data.official`)
    .lock                             in each of the two (`src.lock`)

Standard library only: clearing a cache should not wait for torch.
"""

import re

ENCODED = "encoded"
DOWNLOADS = "downloads"
ARCHIVE_NAME = "aclImdb_v1.tar.gz"

META = "meta.json"
SPLITS = ("train", "validation", "test")
UNLABELLED = "unlabelled"  # beside them in the folder of a source that was asked for texts without labels
SPLIT_FILES = ("tokens.npy", "offsets.npy", "labels.npy", "original_lengths.npy", "ids.json")
ENCODED_FILES = (META, *(f"{split}.{file}" for split in (*SPLITS, UNLABELLED) for file in SPLIT_FILES))

FINISHED = re.compile(r"[0-9a-f]{16}")  # a folder of encoded reviews
UNFINISHED = re.compile(r"\.[0-9a-f]{16}\.[a-z0-9_]{8}")  # the same while it is written or thrown away
COMPACT = re.compile(r"\.?aclImdb-[0-9a-f]{32}\.npz(\.[0-9]+)?")  # what was read from an archive, finished or not
DOWNLOADED = re.compile(re.escape(ARCHIVE_NAME) + r"(\.part)?")
