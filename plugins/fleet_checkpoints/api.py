"""What other plugins may use of checkpoints."""

from fleet_checkpoints.context import Context, Mail, Reservation, Trigger
from fleet_checkpoints.gathering import gather
from fleet_checkpoints.operations import (
    checkpoint_list,
    checkpoint_prune,
    checkpoint_recover,
    checkpoint_save,
    checkpoint_show,
)
from fleet_checkpoints.priming import prime
from fleet_checkpoints.requests import (
    CheckpointList,
    CheckpointPrune,
    CheckpointRecover,
    CheckpointSave,
    CheckpointShow,
    Prime,
    Primed,
    Pruned,
    Recovered,
    Saved,
    Shown,
)
from fleet_checkpoints.saving import record
from fleet_checkpoints.state import CHECKPOINTS, Checkpoint

__all__ = [
    "CHECKPOINTS",
    "Checkpoint",
    "CheckpointList",
    "CheckpointPrune",
    "CheckpointRecover",
    "CheckpointSave",
    "CheckpointShow",
    "Context",
    "Mail",
    "Prime",
    "Primed",
    "Pruned",
    "Recovered",
    "Reservation",
    "Saved",
    "Shown",
    "Trigger",
    "checkpoint_list",
    "checkpoint_prune",
    "checkpoint_recover",
    "checkpoint_save",
    "checkpoint_show",
    "gather",
    "prime",
    "record",
]
