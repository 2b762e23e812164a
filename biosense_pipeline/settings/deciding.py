"""When a face is the agent's, and how that is calibrated and told."""

from pydantic import Field
from pydantic_settings import BaseSettings

from biosense_pipeline.choices import AccuracyScale


class DecisionSettings(BaseSettings):
    """When a face is the agent's, and how that is calibrated and told."""

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
