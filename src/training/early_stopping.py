"""Early stopping whose patience is the configuration's, after a resume as well."""

from typing import Any

from lightning.pytorch.callbacks import EarlyStopping


class PatientEarlyStopping(EarlyStopping):
    """Lightning's, which would take its patience from the checkpoint and so overrule `resume.allow_change`."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what was counted, but not the bound."""
        super().load_state_dict(state_dict | {"patience": self.patience})
