"""The code location: light to load, complete, and found by every Dagster command."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from biosense_pipeline.build import build_definitions
from biosense_pipeline.settings import project_folder

ASSETS = {
    "stream_img",
    "train_img",
    "employee",
    "training_image_checks",
    "benchmark_encodings",
    "pending_stream_batch",
    "recognition_results",
    "candidate_results",
    "redecided_results",
    "hourly_agent_summary",
    "presentation_evidence",
    "motion_windows",
    "impersonation_findings",
    "incidents",
    "alert_deliveries",
    "match_calibration",
    "review_outcomes",
}


def test_assets_are_described() -> None:
    """Every asset has a group, kinds, an owner and a description."""
    specs = {spec.key.to_user_string(): spec for spec in build_definitions().resolve_all_asset_specs()}
    assert set(specs) == ASSETS
    for name, spec in specs.items():
        assert spec.group_name not in (None, "default"), name
        assert spec.kinds, name
        assert spec.owners, name
        assert spec.description, name


def test_summary_has_a_freshness_policy() -> None:
    """The summary tells when it was not renewed for too long."""
    specs = {spec.key.to_user_string(): spec for spec in build_definitions().resolve_all_asset_specs()}
    assert specs["hourly_agent_summary"].freshness_policy is not None


def test_lineage() -> None:
    """The lineage leads from the image tables over checks and encodings to the summary and the incidents."""
    graph = build_definitions().resolve_asset_graph()
    parents = {name: {key.to_user_string() for key in graph.get(dg.AssetKey(name)).parent_keys} for name in ASSETS}
    assert parents["training_image_checks"] == {"train_img"}
    assert parents["benchmark_encodings"] == {"train_img", "training_image_checks"}
    assert parents["recognition_results"] == {"stream_img", "pending_stream_batch", "benchmark_encodings"}
    assert parents["match_calibration"] == {"benchmark_encodings", "recognition_results", "hourly_agent_summary"}
    assert parents["candidate_results"] == {"recognition_results"}
    assert parents["redecided_results"] == {"recognition_results", "candidate_results"}
    assert parents["review_outcomes"] == {"recognition_results", "hourly_agent_summary"}
    assert parents["presentation_evidence"] == {"recognition_results"}
    assert parents["motion_windows"] == {"presentation_evidence"}
    assert parents["impersonation_findings"] == {"presentation_evidence"}
    assert parents["incidents"] == {"recognition_results", "impersonation_findings"}
    assert parents["alert_deliveries"] == {"incidents"}
    assert parents["hourly_agent_summary"] == {"recognition_results", "redecided_results", "employee"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["dagster", "definitions", "validate"],
        ["dagster", "definitions", "validate", "-w", "workspace.yaml"],
        ["dg", "check", "defs"],
    ],
    ids=" ".join,
)
def test_commands_find_the_location(command: list[str]) -> None:
    """Dagster's commands find and load the code location from the project's folder."""
    program = Path(sys.executable).with_name(command[0])
    result = subprocess.run([program, *command[1:]], cwd=project_folder(), capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "success" in result.stdout.lower()
