"""The words written into the tables: status, result, process, image kind, what the audit log tells; each defined once.

The master table ``status`` holds the same meanings: migrations fill it, and a test compares.
"""

from enum import StrEnum


class Code(StrEnum):
    """A word of the database with its meaning for people."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> "Code":
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


class Status(Code):
    """Where an image is on its way through a process."""

    PENDING = "N", "Not processed yet"
    CLAIMED = "P", "Being processed, under a lease"
    PROCESSED = "Y", "Processed"
    FAILED = "F", "Failed; the result says why"


class StillResult(Code):
    """What recognition found on a stream still."""

    SUCCESS = "SUCCESS", "One face, and it is the agent"
    SUCCESS_MULTIPLE_FACES = "SUCCESS_MULTIPLE_FACES", "Several faces, one of them is the agent"
    UNKNOWN_PERSON = "UNKNOWN_PERSON", "One face, and it is not the agent"
    UNKNOWN_MULTIPLE_FACES = "UNKNOWN_MULTIPLE_FACES", "Several faces, none of them is the agent"
    NO_FACES_FOUND = "NO_FACES_FOUND", "No face in the still"
    NO_TRAINING_IMAGE = "NO_TRAINING_IMAGE", "The agent has no approved training image"
    TRAINING_IMAGE_FAILED = "TRAINING_IMAGE_FAILED", "The agent's newest training image failed its check"
    UNREADABLE_IMAGE = "UNREADABLE_IMAGE", "Not a whole JPEG or PNG within the size limits"
    PROCESSING_ERROR = "PROCESSING_ERROR", "Processing failed on every attempt"

    @property
    def status(self) -> Status:
        """The status that a still with this result is given."""
        return Status.FAILED if self in FAILED_RESULTS else Status.PROCESSED


FAILED_RESULTS = frozenset(
    {
        StillResult.NO_TRAINING_IMAGE,
        StillResult.TRAINING_IMAGE_FAILED,
        StillResult.UNREADABLE_IMAGE,
        StillResult.PROCESSING_ERROR,
    }
)

#: The agent was recognised, alone or among others.
VERIFIED_RESULTS = frozenset({StillResult.SUCCESS, StillResult.SUCCESS_MULTIPLE_FACES})

#: Stills with these results return to pending by themselves once a training image is approved.
AWAITING_ENROLMENT = (StillResult.NO_TRAINING_IMAGE, StillResult.TRAINING_IMAGE_FAILED)


class TrainingResult(Code):
    """What the check of a training image found."""

    ONE_FACE = "SUCCESS", "Exactly one face"
    NO_FACE = "NO_FACES_FOUND", "No face in the training image"
    SEVERAL_FACES = "MULTIPLE_FACES", "More than one face in the training image"
    UNREADABLE = "UNREADABLE_IMAGE", "Not a whole JPEG or PNG within the size limits"
    POOR = "QUALITY_TOO_LOW", "One face, but too small, blurred, badly lit or turned away to compare with"
    AWAITING_APPROVAL = "AWAITING_APPROVAL", "Passed its checks and waits for a team lead"
    REJECTED = "REJECTED", "Rejected by a team lead"
    PROPOSED = "PROPOSED", "A still proposed at the desk, which waits for its checks"
    PROPOSAL_FAILED = "PROPOSAL_FAILED", "A still proposed at the desk failed its checks; approved images stay in force"
    ERROR = "PROCESSING_ERROR", "Processing failed"


class MotionOutcome(Code):
    """Whether an agent's stills of ten minutes show life. It asks for a look at them and accuses nobody."""

    LIVE = "LIVE", "The face or what is in it moves as a living one does"
    STATIC = "STATIC", "Many stills with a face and no sign of life; somebody should look"
    INSUFFICIENT = "INSUFFICIENT", "Too few stills with one face to say"


class Species(Code):
    """What an agent's stills show over some time instead of the agent."""

    FROZEN = "FROZEN", "The same picture again: the camera is frozen or the picture is put in"
    LOOP = "LOOP", "A picture repeats one from earlier in the hour: a recording"
    PRINT = "PRINT", "A printed picture of a face"
    SCREEN = "SCREEN", "A face shown on a screen"
    SOURCE_CHANGE = "SOURCE_CHANGE", "The pictures come from another camera or by another way than before"
    UNKNOWN_PERSON = "UNKNOWN_PERSON", "Somebody else sits where the agent should"
    ABSENT = "ABSENT", "Nobody sits where the agent should"


#: Of these the window of each still says something of its own, better or worse than the one before.
WINDOW_BY_WINDOW = (Species.PRINT, Species.SCREEN)


class Verdict(Code):
    """What a reviewer says of a finding."""

    CORRECT = "CORRECT", "The finding is right"
    FALSE_ALARM = "FALSE_ALARM", "The finding is wrong: it is the agent"
    NOT_SURE = "NOT_SURE", "It cannot be told from the picture"


class AlertEvent(StrEnum):
    """What an alert tells of an incident."""

    OPENED = "opened"
    CLOSED = "closed"


class Role(Code):
    """What a user of the desk may do."""

    VIEWER = "viewer", "Sees everything but pictures of faces"
    TEAM_LEAD = "team_lead", "Sees and decides for the agents of the own team"
    ADMIN = "admin", "Sees and decides for all agents, and manages users"


class Process(StrEnum):
    """Which process made an attempt at an image."""

    RECOGNITION = "RECOGNITION"
    TRAINING_CHECK = "TRAINING_CHECK"
    BENCHMARK_ENCODING = "BENCHMARK_ENCODING"
    APPROVAL = "APPROVAL"
    CANDIDATE = "CANDIDATE"
    REDECISION = "REDECISION"


class ImageKind(StrEnum):
    """Which table an image stands in."""

    STREAM = "STREAM"
    TRAINING = "TRAINING"


class Action(StrEnum):
    """The words in ``audit_log.action``."""

    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_IN_THROTTLED = "sign_in_throttled"
    SIGN_OUT = "sign_out"
    LOOK = "look"
    REFUSED = "refused"
    FORM_REFUSED = "form_refused"
    APPROVE = "approve"
    REJECT = "reject"
    PROPOSE = "propose"
    VERDICT = "verdict"
    INCIDENT_VERDICT = "incident_verdict"
    DOWNLOAD = "download"
    ADD_USER = "add_user"
    DISABLE_USER = "disable_user"
    ENABLE_USER = "enable_user"
    SET_PASSWORD = "set_password"
