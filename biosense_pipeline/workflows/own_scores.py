"""What prints and screens are judged by: the scores that ship, and those that the operator's settings add."""

from dataclasses import replace

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.attack_score import AttackScore, AttackScoreUnusable, read_attack_score
from biosense_pipeline.matching.evidence.own_scores import LEAST_CORRELATION, Measurement, OwnScore, model_score
from biosense_pipeline.matching.evidence.presentation import usual_of
from biosense_pipeline.matching.evidence.recapture import RecaptureModel, shipped_model
from biosense_pipeline.settings import Settings
from biosense_pipeline.vision.attack_descriptor import AttackDescriptor, read_attack_descriptor
from biosense_pipeline.vision.presentation.features import FEATURES_ID


def judging_model(settings: Settings) -> RecaptureModel:
    """The scores that ship with the operator's own beside them.

    Raises:
        RecaptureModelUnusable: the scores that ship are missing or torn.
        WrongUse: one of the operator's own is named and cannot be used.
    """
    return replace(shipped_model(), own=own_scores(settings))


def own_scores(settings: Settings) -> tuple[OwnScore, ...]:
    """The scores that the settings name, as far as it is known how far attacks lie in them.

    Raises:
        WrongUse: one of them cannot be used.
    """
    score, model = attack_score(settings), attack_descriptor(settings)
    found = () if score is None else score.own_scores
    known = None if model is None else _known(model, score)
    return found if model is None or known is None else (*found, model_score(model.model_id, known))


def attack_score(settings: Settings) -> AttackScore | None:
    """The trained score that the settings name; None where they name none.

    Raises:
        AttackScoreUnusable: it cannot be used.
    """
    path = settings.attack_score
    if path is None:
        return None
    try:
        return read_attack_score(path.read_text(encoding="utf-8"), FEATURES_ID)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise AttackScoreUnusable(f"BIOSENSE_ATTACK_SCORE names {path}, which cannot be read ({reason}).") from error
    except AttackScoreUnusable as error:
        raise AttackScoreUnusable(f"BIOSENSE_ATTACK_SCORE names {path}, but {error}.") from error


def attack_descriptor(settings: Settings) -> AttackDescriptor | None:
    """The operator's own model that the settings name; None where they name none.

    Raises:
        WrongUse: its descriptor cannot be used.
    """
    return None if settings.attack_model is None else read_attack_descriptor(settings.attack_model)


def _known(model: AttackDescriptor, score: AttackScore | None) -> Measurement | None:
    """What is known of a model: measured here before stated by its descriptor."""
    if score is not None and model.model_id in score.models:
        return score.models[model.model_id]
    if model.stated is None:
        return None
    stated = model.stated
    distances = {Species[name.upper()]: stated.spread * spreads for name, spreads in stated.separation.items()}
    return Measurement(usual_of(stated.mean, stated.spread**2), distances, LEAST_CORRELATION)
