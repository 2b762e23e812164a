"""Settings: each explained, each checked, and listed the same everywhere."""

from collections.abc import Callable
from pathlib import Path

import pytest

from biosense_pipeline.cli.inspection import settings_env, settings_markdown
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.settings import ENV_PREFIX, Settings, load_settings

PROJECT = Path(__file__).resolve().parents[1]
UseSettings = Callable[..., Settings]


def test_env_example_lists_the_settings() -> None:
    """.env.example is what `biosense settings --format env` prints."""
    assert (PROJECT / ".env.example").read_text() == settings_env()


def test_readme_lists_the_settings() -> None:
    """The README holds the table that `biosense settings --format markdown` prints."""
    assert settings_markdown() in (PROJECT / "README.md").read_text()


def test_every_setting_is_explained() -> None:
    """Each setting has a description that is a sentence, on one line, fit for a table."""
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
        assert not set("\n|") & set(field.description), name


def test_every_setting_is_listed_once() -> None:
    """Each setting stands once in the README's table and once in .env.example."""
    for name in Settings.model_fields:
        variable = f"{ENV_PREFIX}{name.upper()}"
        assert settings_markdown().count(f"| `{variable}` |") == 1
        assert settings_env().count(f"#{variable}=") == 1


def test_env_example_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """.env.example with every line uncommented gives the defaults."""
    defaults = Settings()
    lines = [line for line in settings_env().splitlines() if line.startswith(f"#{ENV_PREFIX}") and line[-1] != "="]
    (tmp_path / "uncommented").write_text("\n".join(line.removeprefix("#") for line in lines))
    monkeypatch.setitem(Settings.model_config, "env_file", str(tmp_path / "uncommented"))
    assert Settings() == defaults


def test_no_time_is_endless(use_settings: UseSettings) -> None:
    """What is no number, or more than any clock can count, is refused and named, not stumbled over later."""
    times = ("_seconds", "_minutes", "_hours", "_days")
    names = [
        name for name, field in Settings.model_fields.items() if name.endswith(times) and field.annotation is float
    ]
    assert "alert_hours" in names
    for name in names:
        for value in ("inf", "nan", "1e300"):
            with pytest.raises(WrongUse, match=f"{ENV_PREFIX}{name.upper()}"):
                use_settings(**{name: value})
        use_settings(**{name: Settings.model_fields[name].default})


def test_a_channel_is_given_up_before_the_run_is_taken_for_dead(use_settings: UseSettings) -> None:
    """A run that sends gives no sign of life for a minute and one answer that does not come."""
    with pytest.raises(WrongUse, match="ALERT_TIMEOUT_SECONDS"):
        use_settings(alert_timeout_seconds=121)


def test_values_come_from_the_environment(use_settings: UseSettings) -> None:
    """A variable with the prefix and the field's name sets it."""
    settings = use_settings(tolerance=0.45, workers=0, timezone="Asia/Kathmandu", engine="face_recognition")
    assert (settings.tolerance, settings.workers, settings.zone.key) == (0.45, 0, "Asia/Kathmandu")
    assert settings.engine == "face_recognition"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "America", "../../etc/passwd", "/etc/passwd", "UTC\0", "Europe"])
def test_bad_zone(use_settings: UseSettings, zone: str) -> None:
    """A zone that does not exist is refused, and its variable is named."""
    if "\0" in zone:
        with pytest.raises(ValueError, match="is not an IANA time zone"):
            Settings(timezone=zone)
        return
    with pytest.raises(WrongUse, match=r"BIOSENSE_TIMEZONE: .* is not an IANA time zone"):
        use_settings(timezone=zone)


@pytest.mark.parametrize(
    ("lease", "timeout", "fine"), [(60, 20, True), (60, 20.1, False), (30, 20, False), (3, 1, True)]
)
def test_image_timeout_within_a_third_of_the_lease(
    use_settings: UseSettings, lease: float, timeout: float, fine: bool
) -> None:
    """A picture may keep its worker for a third of the lease at most."""
    if fine:
        assert use_settings(lease_seconds=lease, image_timeout_seconds=timeout).lease_seconds == lease
        return
    with pytest.raises(WrongUse, match=r"BIOSENSE_IMAGE_TIMEOUT_SECONDS may be a third of BIOSENSE_LEASE_SECONDS"):
        use_settings(lease_seconds=lease, image_timeout_seconds=timeout)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("workers", -1),
        ("workers", "two"),
        ("tolerance", 0),
        ("tolerance", 3),
        ("tolerance", "nan"),
        ("accuracy", "stars"),
        ("target_fmr", 0),
        ("target_fmr", 0.6),
        ("prior_genuine", 1),
        ("calibration_days", 0),
        ("calibration_min_people", 1),
        ("detection", "some"),
        ("max_attempts", 0),
        ("claim_size", 0),
        ("lease_seconds", 0),
        ("max_image_bytes", 10),
        ("max_image_megapixels", 0),
        ("max_image_megapixels", 179),
        ("partitions_start", "2024-13-01"),
        ("max_unknown_share", 1.5),
        ("approval", "nobody"),
        ("training_min_face_width", 0),
        ("training_min_sharpness", -1),
        ("training_max_clipped", 1.1),
        ("training_max_nose_offset", 0),
        ("training_max_nose_offset", "inf"),
        ("training_max_roll", 91),
        ("incident_false_alarms_per_month", 0),
        ("incident_correlation", 0.95),
        ("incident_fnmr", 0),
        ("incident_fmr", 0.5),
        ("incident_largest_llr", 0.5),
        ("incident_no_face_share", 0.6),
        ("incident_pause_minutes", 0),
    ],
)
def test_values_that_cannot_be_meant(use_settings: UseSettings, field: str, value: object) -> None:
    """A value out of range is refused, and its variable is named."""
    with pytest.raises(WrongUse, match=f"BIOSENSE_{field.upper()}: "):
        use_settings(**{field: value})


def test_all_mistakes_are_told_at_once(use_settings: UseSettings) -> None:
    """Several mistakes are named together."""
    with pytest.raises(WrongUse, match=r"BIOSENSE_WORKERS: .*; BIOSENSE_TOLERANCE: "):
        use_settings(workers=-1, tolerance=9)


def test_secrets_are_not_shown(use_settings: UseSettings) -> None:
    """The database's password stands in no representation of the settings, and in no complaint about them."""
    url = "mysql+pymysql://agent:S3cret@host/biosense"
    settings = use_settings(database_url=url)
    assert settings.database_url.get_secret_value() == url
    assert "S3cret" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    with pytest.raises(WrongUse) as raised:
        use_settings(database_url=url, workers=-1)
    assert "S3cret" not in str(raised.value)


def test_settings_are_read_once(use_settings: UseSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process keeps the settings it began with, and cannot change them."""
    settings = use_settings(tolerance=0.45)
    monkeypatch.setenv("BIOSENSE_TOLERANCE", "0.6")
    assert load_settings() is settings
    with pytest.raises(ValueError, match="frozen"):
        settings.tolerance = 0.6  # type: ignore[misc]


def test_other_variables_are_no_settings(use_settings: UseSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables of other programs, and unknown ones with the prefix, are passed over."""
    monkeypatch.setenv("TOLERANCE", "9")
    monkeypatch.setenv("BIOSENSE_TEST_MYSQL_URL", "mysql+pymysql://root@127.0.0.1:3306/")
    assert use_settings().tolerance == 0.5
