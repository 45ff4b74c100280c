"""Ctrl-C and SIGTERM: at once where nothing can be lost, at the next step boundary in training.

Lightning 2.6 exits with 0 on SIGTERM, hangs when only one of several processes gets it, and loses the step on Ctrl-C.
Here the handler only takes a note during training; the processes then agree at a batch boundary, all at the same one.
"""

import signal
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import lightning

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(SystemExit):
    """A signal ends the program; the exit code is 128 + its number, as shells say it."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


class Interruption:
    """The signals of this process: `install` it, and ask `agreed` at batch boundaries between `defer` and `release`."""

    def __init__(self) -> None:
        self._noted: int | None = None
        self._deferred = False
        self._installed = False

    def install(self) -> None:
        """Take over SIGINT and SIGTERM, in the main thread."""
        self._installed = True
        for number in SIGNALS:
            signal.signal(number, self._handle)

    def defer(self) -> None:
        """Note signals instead of raising, from now on; a second Ctrl-C still raises.

        Lightning puts a handler of its own before ours as each stage begins, and raises for SIGTERM in the midst of
        an epoch: `install` ours again.
        """
        self._deferred = True
        if self._installed:
            self.install()

    def release(self) -> None:
        """Raise for signals again; one that was noted and not yet answered stays noted."""
        self._deferred = False

    def agreed(self, trainer: "lightning.Trainer") -> int | None:
        """Return the signal that some process got, if any did; a collective. All processes get the same answer."""
        mine = self._noted or 0
        if trainer.world_size > 1:
            import torch  # who starts jobs of a sweep needs none

            mine = int(
                trainer.strategy.reduce(torch.tensor(mine, device=trainer.strategy.root_device), reduce_op="max")
            )
        return mine or None

    @property
    def noted(self) -> int | None:
        """The signal that this process got and has not answered yet."""
        return self._noted

    def stop(self, number: int) -> NoReturn:
        """End the program as by that signal."""
        raise Interrupted(number)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        impatient = self._noted is not None and number == signal.SIGINT
        if not self._deferred or impatient:
            self.stop(number)
        self._noted = number
