"""Every setting of the pipeline: its environment variable, its default and the reason for it.

A field ``lease_seconds`` is read from ``BIOSENSE_LEASE_SECONDS``. The descriptions below are what
``biosense settings``, ``.env.example`` and the README show.
"""

import os
import re
from datetime import date
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from biosense_pipeline.choices import AccuracyScale, Approval, Detection, Device, EngineName
from biosense_pipeline.errors import WrongUse

ENV_PREFIX = "BIOSENSE_"


def project_folder() -> Path:
    """The checkout this package was installed from, or else the current folder."""
    checkout = Path(__file__).resolve().parents[1]
    return checkout if (checkout / "workspace.yaml").exists() else Path.cwd()


def _embedded_database() -> SecretStr:
    return SecretStr(f"sqlite:///{project_folder() / 'data' / 'biosense.sqlite'}")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Settings(BaseSettings):
    """The pipeline's settings, read once from the environment and from ``.env``."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_file=(project_folder() / ".env", ".env"), extra="ignore", frozen=True
    )

    database_url: SecretStr = Field(
        default_factory=_embedded_database,
        description="SQLAlchemy URL. Default: an SQLite file under data/, so that nothing has to be "
        "installed; in production mysql+pymysql://user:password@host/database.",
    )
    timezone: str = Field(
        "UTC",
        description="IANA zone in which the capture clients write capture_time, which carries no zone. "
        "Hours and partitions follow it.",
    )
    partitions_start: date = Field(
        date(2024, 1, 1),
        description="First day with hourly partitions. Each year adds 8,760; Dagster advises at most "
        "100,000. Older stills are reached with `biosense drain`.",
    )
    engine: EngineName = Field(
        EngineName.DLIB,
        description="dlib: 5-point alignment and dlib's ResNet, on public-domain weights. onnx: the same faces, "
        "encoded by your own model, which BIOSENSE_ENCODER names. face_recognition: the library itself, as the "
        "reference to compare with.",
    )
    encoder: Path | None = Field(
        None,
        description="Descriptor (TOML) of the model of engine onnx: file, input size, colour order, normalisation, "
        "alignment, dimension, metric and tolerance; docs/encoders.md tells the format.",
    )
    device: Device = Field(
        Device.CPU,
        description="What encodes: cpu, one thread a process; cuda, where onnxruntime-gpu and a GPU are there.",
    )
    detection: Detection = Field(
        Detection.ADAPTIVE,
        description="adaptive: HOG at half size, at the still's own size once a minute per agent and wherever the "
        "quick look does not show exactly the agent. full: always at its own size, enlarged only where that finds no "
        "face. reference: always enlarged, as face_recognition does; finds smaller faces and costs several times as "
        "much.",
    )
    model_dir: Path | None = Field(
        None,
        description="Folder with the .dat model files of the engine dlib. Default: those of face_recognition_models.",
    )
    workers: int = Field(
        default_factory=_cores,
        ge=0,
        le=256,
        description="Processes that decode and encode; 0 works inside the calling process. Default: one "
        "per core this process may use, since dlib uses one core each.",
    )
    tolerance: float = Field(
        0.5,
        gt=0,
        le=2,
        description="Largest distance at which a face is the agent, used until a calibration is in force. With this "
        "encoder, on webcam pictures of 15 people (measured for the design; the pictures may not be passed on), the "
        "customary 0.6 accepted 72 % of impostors and 0.5 accepted 20 %: 0.5 is a cautious start, not a calibrated "
        "or proven one.",
    )
    target_fmr: float = Field(
        0.001,
        gt=0,
        le=0.5,
        description="Share of comparisons with another person that may be accepted; a calibration sets the tolerance "
        "by it, from the next one on. Stills of one impostor resemble each other, so it is a share of pairs of people "
        "rather than of stills: most are never accepted, a look-alike often. It is kept to at 95 % confidence, pairs "
        "of people taken as independent; where single people are easily taken for others, the true rate may be higher.",
    )
    calibration_days: int = Field(
        14,
        ge=1,
        le=3650,
        description="Days of stills that a calibration draws from, the newest: two weeks hold every shift, and new "
        "light or cameras soon count.",
    )
    calibration_stills: int = Field(
        5000,
        ge=1,
        description="Stills that a calibration encodes again to compare them with every colleague's benchmark, spread "
        "over the agents. Their encodings are not stored, so this is what it costs.",
    )
    calibration_min_people: int = Field(
        30,
        ge=2,
        description="People with stills below which no calibration takes effect, whatever the target: one hard to "
        "recognise among fewer weighs more than 3 %. Besides, 3 / target_fmr pairs of people are needed (rule of "
        "three): 78 people at 0.001.",
    )
    use_calibration: bool = Field(
        True,
        description="Decide by the calibration in force, if there is one. False keeps BIOSENSE_TOLERANCE and the bands "
        "though one exists: the way back without a change of the database.",
    )
    prior_genuine: float = Field(
        0.5,
        gt=0,
        lt=1,
        description="Probability that a still shows its agent before it is compared, for p_genuine and the calibrated "
        "accuracy. At 0.5 the picture alone speaks; the share that is usual at a site, such as 0.99, would call a "
        "doubtful face the agent's because most faces are, and that is what an impostor profits from.",
    )
    accuracy: AccuracyScale = Field(
        AccuracyScale.AUTO,
        description="auto: calibrated once a calibration is in force, bands before. calibrated: the probability that "
        "both are the same person, empty before there is a calibration. bands: the table of ten steps that existing "
        "reports expect. face_recognition: the formula of its wiki, clamped to 0-100.",
    )
    max_image_bytes: int = Field(
        8 * 2**20, ge=1024, description="Larger images are refused unread: 8 MiB holds any webcam still."
    )
    max_image_megapixels: float = Field(
        # Pillow itself refuses 179 megapixels and more.
        12.0,
        gt=0,
        le=178,
        description="Images with more pixels are refused before they are decoded.",
    )
    claim_size: int = Field(
        200, ge=1, le=5000, description="Stills claimed in one short transaction and held under one lease."
    )
    commit_size: int = Field(50, ge=1, le=5000, description="Results written in one transaction.")
    commit_seconds: float = Field(
        1.0, gt=0, description="Longest time a finished result waits for others before it is written."
    )
    lease_seconds: float = Field(
        60.0,
        gt=0,
        description="How long a claim outlives its process. Claims are renewed while work goes on, so "
        "this is the wait after a crash, not the limit of a batch.",
    )
    image_timeout_seconds: float = Field(
        20.0,
        gt=0,
        description="A picture that keeps a worker longer is given up and the worker replaced. A third "
        "of the lease at most, so that a slow picture in a worker process never lets the lease lapse.",
    )
    max_attempts: int = Field(3, ge=1, le=100, description="Attempts after which a still fails with PROCESSING_ERROR.")
    idle_seconds: float = Field(
        20.0, ge=0, description="A run of the current hour ends after this long without a new still."
    )
    follow_seconds: float = Field(
        600.0,
        ge=0,
        description="Longest time a run of the current hour goes on taking new stills. The start of a "
        "run costs seconds; following pays it once in ten minutes instead of once a still.",
    )
    approval: Approval | None = Field(
        None,
        description="Who approves a training image that passed its checks. auto: nobody has to; team_lead: it waits at "
        "the desk. Default: auto on the embedded SQLite, team_lead on a database server, which is what production "
        "runs on: whom a benchmark shows, no check can tell.",
    )
    training_min_face_width: int = Field(
        80,
        ge=1,
        description="Pixels that the face in a training image must be wide: from there on the detector finds it at the "
        "picture's own size, and it is enlarged for the encoder by half at most.",
    )
    training_min_sharpness: float = Field(
        25.0,
        ge=0,
        allow_inf_nan=False,
        description="Least variance of the Laplacian of the aligned face in a training image. The demo's have 288 to "
        "2,006, and 54 or more at 86 pixels under strong compression; blurred so that their own stills lie 0.14 to "
        "0.24 farther off, 6 to 24.",
    )
    training_max_clipped: float = Field(
        0.25,
        ge=0,
        le=1,
        description="Largest share of a training image's face that may be black, and that may be white. The demo's "
        "have 1 % at most; at a tenth of their light, where their own stills lie 0.1 to 0.4 farther off, over 30 % are "
        "black. Dark skin and a black beard in ordinary light must pass.",
    )
    training_max_nose_offset: float = Field(
        0.35,
        gt=0,
        allow_inf_nan=False,
        description="How far the base of the nose may lie from the middle between the eyes, in halves of their "
        "distance: a head turned by some 30 degrees. The demo's training images have 0.17 at most.",
    )
    training_max_roll: float = Field(
        25.0,
        gt=0,
        le=90,
        description="Degrees by which the line through the eyes may be tilted in a training image. Alignment levels "
        "them; beyond some 30 degrees faces and landmarks are no longer found reliably.",
    )
    requeue_hours: float = Field(
        720.0,
        ge=0,
        description="When a training image is approved, the agent's stills of this many hours that "
        "failed for want of one are processed again; older ones no longer matter to anybody.",
    )
    sensor_seconds: int = Field(
        5, ge=1, description="Pause between two looks of a sensor at the database; each asks a few indexed queries."
    )
    sensor_hours: int = Field(
        24, ge=1, le=1000, description="Most hours with pending stills that one tick of the sensor names."
    )
    max_unknown_share: float = Field(
        0.2, ge=0, le=1, description="Share of unknown persons in an hour above which the check warns."
    )
    max_no_faces_share: float = Field(
        0.5, ge=0, le=1, description="Share of stills without a face in an hour above which the check warns."
    )

    desk_idle_minutes: float = Field(
        30.0,
        gt=0,
        description="A session of the desk ends after this long without a request: a screen that was left alone "
        "shows faces for no longer.",
    )
    desk_session_hours: float = Field(
        12.0, gt=0, description="A session of the desk ends after this long in any case: one shift, and no other day's."
    )
    desk_hosts: str = Field(
        "",
        description="Names, separated by commas, under which browsers reach the desk where that is not this machine "
        "alone, as desk.example.com; requests for any other name are refused.",
    )
    desk_secure_cookie: bool | None = Field(
        None,
        description="Send the desk's cookie over TLS only. Default: wherever the desk is reached under another name "
        "than localhost, so that there it works behind a proxy with TLS and not without.",
    )

    alert_urls: SecretStr = Field(
        SecretStr(""),
        description="Where incidents are told: Apprise URLs, separated by commas or line breaks, such as mailto:// for "
        "mail, slack://, workflows:// for Teams, jsons:// for a webhook. One recipient each: where one of several "
        "refuses, all get the message again. They hold passwords and tokens and are shown nowhere. Empty: no alerts.",
    )
    desk_url: str = Field(
        "",
        description="Address of the desk as people reach it, as https://desk.example.com, for the links in alerts. "
        "Empty: alerts carry no link.",
    )
    alert_template: Path | None = Field(
        None,
        description="File with a Jinja2 template of the alerts: the first line is the title, the rest the text. "
        "Default: a text that names the LAN id and the team, since a message leaves the house: no name, no picture.",
    )
    alert_quiet_minutes: float = Field(
        30.0,
        ge=0,
        description="Incidents of one agent and kind with shorter pauses between them are told as one: who leaves and "
        "returns is not news each time. That an incident is over is told after this long without another.",
    )
    alert_hours: float = Field(
        24.0,
        gt=0,
        description="Nothing that happened longer ago is told, and a message that has not arrived for this long is "
        "given up: neither a backfill nor a new channel sends the past out.",
    )
    alert_timeout_seconds: float = Field(
        20.0,
        gt=0,
        le=300,
        description="A channel that does not answer for this long has failed. Within it, Apprise waits 4 s for a web "
        "server (cto and rto in a URL change that) and 15 s for a mail server.",
    )
    alert_retry_seconds: float = Field(
        60.0,
        gt=0,
        description="Wait before a message is tried again; doubled with each attempt, so that a service that is down "
        "is not knocked at without end.",
    )
    alert_retry_longest_minutes: float = Field(
        30.0, gt=0, description="Longest wait between two attempts: a service that is back gets its messages by then."
    )

    incident_false_alarms_per_month: float = Field(
        1.0,
        gt=0,
        le=1000,
        description="Incidents that an agent about whom nothing is wrong may cause in 30 days; how much evidence makes "
        "an incident is computed from it. A third each goes to who is there, whether anybody is, and whether it is a "
        "person.",
    )
    incident_stills_per_day: int = Field(
        2880,
        ge=1,
        description="Stills of an agent a day, for the false alarms of a month: eight hours with one in ten seconds.",
    )
    incident_correlation: float = Field(
        0.1,
        ge=0,
        le=0.9,
        description="Correlation of the evidence of an agent's stills ten seconds apart: rejections come in runs, of "
        "bad light or a turned head. An assumption, not measured. With 0.1 somebody else is found after six stills, "
        "with 0.3 after ten; where it is higher than assumed there are more false alarms, as `biosense evaluate "
        "incidents` tells.",
    )
    incident_fnmr: float = Field(
        0.05,
        gt=0,
        lt=0.5,
        description="Share of the agents' own stills taken to be rejected, which a rejection is weighed by before a "
        "calibration exists, and the bound is computed with.",
    )
    incident_fmr: float = Field(
        0.01,
        gt=0,
        lt=0.5,
        description="Share of other people's stills taken to be accepted, likewise.",
    )
    incident_largest_llr: float = Field(
        5.0,
        ge=1,
        le=20,
        description="No still says more than this of who is there (natural log-likelihood ratio; 5 is 150 to 1), so "
        "that it takes at least three to make an incident.",
    )
    incident_no_face_share: float = Field(
        0.1,
        gt=0,
        le=0.5,
        description="Share of an agent's stills at work taken to show no face: short pauses are ordinary.",
    )
    incident_pause_minutes: float = Field(
        5.0,
        gt=0,
        le=60,
        description="Mean length of such a pause. By this and the share above, an empty place is an incident after "
        "some forty minutes.",
    )
    incident_gap_minutes: float = Field(
        15.0,
        gt=0,
        description="After so long without a still with a face, who sat there before says nothing of who sits there: "
        "what was open closes and counting begins anew.",
    )

    impersonation_window: int = Field(
        12,
        ge=3,
        le=120,
        description="Stills that are judged together for prints, frozen and repeated pictures: the last ones up to "
        "each still. Twelve are two minutes; the calibrations are made for that. With three a frozen camera is still "
        "found, a print hardly.",
    )
    impersonation_bound: float = Field(
        10.0,
        ge=1,
        le=50,
        allow_inf_nan=False,
        description="Log-likelihood ratio at which a frozen or a repeated picture is a finding. By 10 equal pixels are "
        "one at the third still and not at the second: a client that sends a picture twice is none. A print is one "
        "from a number of spreads above the agent's own level.",
    )
    impersonation_gap_minutes: float = Field(
        10.0,
        gt=0,
        le=240,
        description="Stills with a longer pause between them are not judged together: who sat there before says "
        "nothing of who sits there afterwards.",
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{name!r} is not an IANA time zone such as UTC or America/New_York") from None
        return name

    @field_validator("desk_url")
    @classmethod
    def _web_address(cls, url: str) -> str:
        if url and (not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url, re.ASCII)):
            raise ValueError("write it as https://desk.example.com, without a user, a query or blanks")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _timeout_within_lease(self) -> "Settings":
        if self.image_timeout_seconds > self.lease_seconds / 3 + 1e-9:
            raise ValueError(
                f"{ENV_PREFIX}IMAGE_TIMEOUT_SECONDS may be a third of {ENV_PREFIX}LEASE_SECONDS at most, or a slow "
                "picture lets the lease lapse"
            )
        return self

    @property
    def approved_by(self) -> Approval:
        """Who approves training images, the default resolved."""
        embedded = self.database_url.get_secret_value().startswith("sqlite")
        return self.approval or (Approval.AUTO if embedded else Approval.TEAM_LEAD)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of ``capture_time``."""
        return ZoneInfo(self.timezone)


@cache
def load_settings() -> Settings:
    """The settings of this process.

    Raises:
        WrongUse: a variable has a value that cannot be meant; the text names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = (
            f"{ENV_PREFIX}{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" if fault["loc"] else fault["msg"]
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise WrongUse(f"Correct the environment or .env: {'; '.join(faults)}.") from None
