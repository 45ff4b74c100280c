"""Which peers there are, and the settings of each that the validation reviews decide between."""

from collections.abc import Sequence
from functools import partial

from benchmarks.choosing import Candidate
from src.errors import UserError

TFIDF, NB_SVM, HASHED, PSEUDO = "tfidf", "nb_svm", "hashed", "pseudo"
PEERS = (TFIDF, NB_SVM, HASHED)  # PSEUDO needs unlabelled reviews
TITLES = {
    TFIDF: "TF-IDF 1-2-grams + logistic regression",
    NB_SVM: "NB-SVM 1-3-grams",
    HASHED: "mean of hashed 1-2-gram embeddings",
    PSEUDO: "NB-SVM + pseudo-labels of unlabelled reviews",
}


def chosen_names(text: str | None, *, unlabelled: bool) -> list[str]:
    """Return the peers that `peers=` asks for, or all.

    Raises:
        UserError: there is no such peer, or one of them needs unlabelled reviews that are not there.
    """
    possible = (*PEERS, PSEUDO) if unlabelled else PEERS
    names = list(possible) if text is None else [name.strip() for name in text.split(",")]
    for name in names:
        if name == PSEUDO and not unlabelled:
            raise UserError("`peers` holds pseudo, which learns from unlabelled reviews: add unlabelled=true.")
        if name not in possible:
            raise UserError(f"`peers` must name some of {', '.join((*PEERS, PSEUDO))}, but holds {name!r} instead.")
    return list(dict.fromkeys(names))


def candidates(name: str, unlabelled: Sequence[str] = ()) -> list[Candidate]:
    """Return what makes each setting of a peer.

    Args:
        name: of the peer.
        unlabelled: texts for the one that learns from such.
    """
    if name == TFIDF:
        from benchmarks.tfidf import Tfidf

        return [partial(Tfidf, penalty) for penalty in (1.0, 3.0, 10.0, 30.0, 100.0, 1000.0)]
    if name == NB_SVM:
        from benchmarks.nb_svm import NBSVM

        return [partial(NBSVM, penalty) for penalty in (0.1, 0.3, 1.0, 3.0, 10.0)]
    if name == HASHED:
        from benchmarks.hashed_embeddings import HashedEmbeddings

        return [partial(HashedEmbeddings, epochs, rate) for epochs in (5, 10, 20) for rate in (0.1, 0.25, 0.5)]
    from benchmarks.pseudo_labels import PseudoLabelled

    return [
        partial(PseudoLabelled, penalty, confidence, unlabelled=unlabelled)
        for penalty in (0.1, 0.3)
        for confidence in (0.9, 0.98)
    ]
