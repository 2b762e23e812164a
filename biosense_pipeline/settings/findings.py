"""What windows of stills are judged by, and how much makes an incident."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings


class FindingSettings(BaseSettings):
    """What windows of stills are judged by, and how much makes an incident."""

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
        "bad light or a turned head. An assumption: `biosense evaluate correlation` measures it on your "
        "stills. With 0.1 somebody else is found after six stills, with 0.3 after ten; where it is higher than assumed "
        "there are more false alarms, as `biosense evaluate incidents` tells.",
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
    incident_sitting_minutes: float = Field(
        60.0,
        gt=0,
        le=1440,
        description="How long what stills say of a print hangs together: light, place and clothes of a sitting. Longer "
        "sittings make fewer chances of a false alarm, and later windows of one sitting count for less.",
    )
    incident_gap_minutes: float = Field(
        15.0,
        gt=0,
        le=1440,
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
    attack_score: Path | None = Field(
        None,
        description="Score that `biosense attacks train` wrote of attacks made before your own cameras: one more cue "
        "for prints, and for screens where it was trained on some; docs/attacks.md tells how. Without one of screens, "
        "screens are not measured and none is found.",
    )
    attack_model: Path | None = Field(
        None,
        description="Descriptor (TOML) of an ONNX model of your own that tells attacks: file, input, part of the "
        "picture, meaning of its output; docs/attacks.md tells the format. Its score is stored with each still, and is "
        "a cue once it is known how far attacks lie in it.",
    )
