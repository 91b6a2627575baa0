"""Leases under the ids that FleetTools' events call locks by. A lock is one grant of something."""

from fleet_core.api import Fleet, Query, Recorded, Stream
from fleet_ctk.events import CtkReserved, Purpose
from fleet_ctk.resources import FILE_ID, SLOT, SLOT_ID
from fleet_ctk.state import STREAM_TYPE
from fleet_leases.api import Lease, LeaseGranted, granting, stream


def lock_of(fleet: Fleet, lease: Lease) -> str:
    """The lock of a lease. A slot's lease is granted time and again, so there it is the id of the grant."""
    if lease.kind == "file":
        return lease.lease_id.removeprefix(FILE_ID)
    return granting(fleet, lease.token).id


def lock_stream(lock_id: str) -> Stream:
    """Where a lock is told of."""
    return Stream(STREAM_TYPE, lock_id)


def lease_id_of(lock_id: str, name: str) -> str:
    """The id of a lock's lease; `name` is what it is of."""
    return SLOT_ID + name.removeprefix(SLOT) if name.startswith(SLOT) else FILE_ID + lock_id


def grant_of(fleet: Fleet, reserved: CtkReserved) -> Recorded:
    """The event that granted a lock's lease."""
    if reserved.normalized_path.startswith(SLOT):
        granted = Query.of(ids=(reserved.lock_id,))
    else:
        lease_id = lease_id_of(reserved.lock_id, reserved.normalized_path)
        granted = Query.of(streams=(stream(lease_id),), types=(LeaseGranted.type_name,))
    return next(fleet.store.read(granted, limit=1))


def purpose_of(fleet: Fleet, lock_id: str) -> Purpose:
    """What a lock was said to be for when it was reserved last."""
    told = Query.of(streams=(lock_stream(lock_id),), types=(CtkReserved.type_name,))
    last = next(fleet.store.read(told, backwards=True, limit=1), None)
    return last.data.purpose if last is not None else "edit"
