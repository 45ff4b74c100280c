"""Reviews for tests of the shell: some with labels, some without. Whoever knows six words gets all of them right."""

from src.data.reviews import Review, Splits

WORDS = (("dull", "loud", "empty"), ("lovely", "warm", "moving"))


def text(number: int) -> str:
    return f"a {WORDS[number % 2][number % 3]} film with {number % 7} actors and {number % 5} songs"


class HalfLabelled:
    """48 labelled reviews, a third of them held out, and 20 texts without labels where they are asked for."""

    name = "half_labelled"
    label_names = ("bad", "good")
    note = "Made up."
    remarks = ()
    at_hand = True

    def __init__(self, *, unlabelled: bool = False) -> None:
        self.with_unlabelled = unlabelled

    def fingerprint(self) -> str:
        return f"half labelled {self.with_unlabelled}"

    def splits(self) -> Splits:
        made = [Review(text=text(n), label=n % 2, id=f"made/{n}", film=n) for n in range(48)]
        return Splits(train=made[16:], validation=made[:8], test=made[8:16])

    def unlabelled(self) -> list[str]:
        return [f"{text(n)} again" for n in range(50, 70)]
