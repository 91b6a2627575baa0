"""What other plugins may use of missions and sorties."""

from fleet_missions.claiming import Claimed, SortieClaim, SortieStart, sortie_claim, sortie_start
from fleet_missions.claims import claim_id, claimed_by, claimed_sortie
from fleet_missions.events import SortieBlocked, SortieCompleted, SortieProgress
from fleet_missions.ids import MissionId, SortieId
from fleet_missions.mission_operations import (
    MissionCancel,
    MissionComplete,
    MissionCreate,
    MissionList,
    MissionShow,
    MissionStart,
    mission_cancel,
    mission_complete,
    mission_create,
    mission_list,
    mission_show,
    mission_start,
)
from fleet_missions.mission_state import MISSIONS, Mission
from fleet_missions.plan_operations import MissionPlan, PlannedMission, PlannedPart, mission_plan
from fleet_missions.planning import PlannedSortie
from fleet_missions.readiness import ReadyRow, SortieReady, sortie_ready
from fleet_missions.review_operations import review_complete, review_list, review_start
from fleet_missions.review_requests import ReviewComplete, ReviewList, ReviewStart
from fleet_missions.review_state import REVIEWS, Review
from fleet_missions.sortie_operations import (
    sortie_assign,
    sortie_cancel,
    sortie_create,
    sortie_list,
    sortie_show,
)
from fleet_missions.sortie_queue import OPEN_SORTIES, OpenSortie
from fleet_missions.sortie_requests import (
    SortieAssign,
    SortieBlock,
    SortieCancel,
    SortieComplete,
    SortieCreate,
    SortieFail,
    SortieList,
    SortieRelease,
    SortieReport,
    SortieShow,
    SortieUnblock,
)
from fleet_missions.sortie_state import SORTIES, Sortie
from fleet_missions.sortie_state import stream as sortie_stream
from fleet_missions.sortie_work import (
    sortie_block,
    sortie_complete,
    sortie_fail,
    sortie_progress,
    sortie_release,
    sortie_unblock,
)
from fleet_missions.splitting import SortieSplit, SplitSortie, sortie_split
from fleet_missions.statistics import MissionFigures, SpecialistFigures, Spread
from fleet_missions.statistics_operations import MissionStats, mission_stats

__all__ = [
    "MISSIONS",
    "OPEN_SORTIES",
    "REVIEWS",
    "SORTIES",
    "Claimed",
    "Mission",
    "MissionCancel",
    "MissionComplete",
    "MissionCreate",
    "MissionFigures",
    "MissionId",
    "MissionList",
    "MissionPlan",
    "MissionShow",
    "MissionStart",
    "MissionStats",
    "OpenSortie",
    "PlannedMission",
    "PlannedPart",
    "PlannedSortie",
    "ReadyRow",
    "Review",
    "ReviewComplete",
    "ReviewList",
    "ReviewStart",
    "Sortie",
    "SortieAssign",
    "SortieBlock",
    "SortieBlocked",
    "SortieCancel",
    "SortieClaim",
    "SortieComplete",
    "SortieCompleted",
    "SortieCreate",
    "SortieFail",
    "SortieId",
    "SortieList",
    "SortieProgress",
    "SortieReady",
    "SortieRelease",
    "SortieReport",
    "SortieShow",
    "SortieSplit",
    "SortieStart",
    "SortieUnblock",
    "SpecialistFigures",
    "SplitSortie",
    "Spread",
    "claim_id",
    "claimed_by",
    "claimed_sortie",
    "mission_cancel",
    "mission_complete",
    "mission_create",
    "mission_list",
    "mission_plan",
    "mission_show",
    "mission_start",
    "mission_stats",
    "review_complete",
    "review_list",
    "review_start",
    "sortie_assign",
    "sortie_block",
    "sortie_cancel",
    "sortie_claim",
    "sortie_complete",
    "sortie_create",
    "sortie_fail",
    "sortie_list",
    "sortie_progress",
    "sortie_ready",
    "sortie_release",
    "sortie_show",
    "sortie_split",
    "sortie_start",
    "sortie_stream",
    "sortie_unblock",
]
