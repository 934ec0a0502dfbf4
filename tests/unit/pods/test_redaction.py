"""People see a manifest without its literal secrets."""

from __future__ import annotations

from tests.unit.pods.samples import build, main_container
from tradewind.pods import redaction


def test_values_with_sensitive_names_are_hidden_and_references_stay() -> None:
    pod = build(
        env_vars={"DB_PASSWORD": "hunter2", "USER": "u", "URL": "postgresql://u:hunter2@db/x"},
        secrets=[{"deploy_type": "env", "deploy_target": "TOKEN", "secret": "s", "key": "k"}],
        cmds=["run", "--api-key", "hunter2", "--token=hunter2", "--user", "u"],
    )
    shown = redaction.redact(pod)
    assert "hunter2" not in str(shown)
    main = main_container(shown)
    assert main["env"] == [
        {"name": "DB_PASSWORD", "value": "***"},
        {"name": "USER", "value": "u"},
        {"name": "URL", "value": "postgresql://u:***@db/x"},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ]
    assert main["command"] == ["run", "--api-key", "***", "--token=***", "--user", "u"]


def test_the_manifest_itself_keeps_everything() -> None:
    pod = build(env_vars={"PASSWORD": "hunter2"})
    redaction.redact(pod)
    assert main_container(pod)["env"][0]["value"] == "hunter2"


def test_a_flag_before_another_option_hides_nothing() -> None:
    shown = redaction.redact(build(cmds=["run", "--use-token", "--user", "u"]))
    assert main_container(shown)["command"] == ["run", "--use-token", "--user", "u"]
