"""What a container finds: environment, stand-in of its image, volumes; and what this machine never gets to see."""

from __future__ import annotations

import os
import pathlib
import pwd
import subprocess
import sys

import pytest

from tests.integration.pods.conftest import IMAGE, Pods
from tradewind.model.outcome import Success
from tradewind.model.states import EndReason
from tradewind.protocol.podlet import ImageRow

pytestmark = pytest.mark.namespaces


def volume(name: str, where: str, **options: object) -> dict[str, object]:
    """A volumeMount."""
    return {"name": name, "mountPath": where, **options}


def test_values_references_and_downward_fields_are_in_the_environment(pods: Pods) -> None:
    pods.keep(pods.secrets, "db", password="hunter2")
    pods.keep(pods.configmaps, "site", REGION="north", ZONE="b")
    ran = pods.run(
        'echo "$GREETING|$PASSWORD|$REGION|$MY_ZONE|$POD|$TIER|$LIMIT|$ABSENT|$HOME"',
        envFrom=[{"configMapRef": {"name": "site"}}, {"prefix": "MY_", "configMapRef": {"name": "site"}}],
        env=[
            {"name": "WHO", "value": "you"},
            {"name": "GREETING", "value": "hello $(WHO) $$(WHO) $(NOBODY)"},
            {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
            {"name": "ABSENT", "valueFrom": {"secretKeyRef": {"name": "no", "key": "no", "optional": True}}},
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "TIER", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['tier']"}}},
            {"name": "LIMIT", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        ],
        resources={"limits": {"memory": "200Mi"}},
    )
    name, home = ran.values["pod_name"], pwd.getpwuid(os.geteuid()).pw_dir
    assert ran.lines == [f"hello you $(WHO) $(NOBODY)|***|north|b|{name}|gold|200||{home}"]


def test_nothing_of_the_podlets_own_environment_is_there(pods: Pods) -> None:
    assert pods.run("echo $HOSTNAME").lines[0].startswith("pod-")
    ran = pods.run("env | cut -d= -f1 | sort")
    assert set(ran.lines) - {"PWD", "SHLVL", "_", "OLDPWD"} == {"HOME", "HOSTNAME", "PATH"}


def test_variables_are_put_into_command_and_arguments(pods: Pods) -> None:
    ran = pods.run(command=["echo", "$(A)"], args=["$(A)-$(B)", "$$(A)"], env=[{"name": "A", "value": "1"}])
    assert ran.lines == ["1 1-$(B) $(A)"]


def test_two_images_stand_for_two_environments_with_conflicting_versions(pods: Pods, tmp_path: pathlib.Path) -> None:
    rows = {}
    for version in ("2", "3"):
        venv = tmp_path / f"venv{version}"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
        (site,) = venv.glob("lib/python*/site-packages")
        (site / "library.py").write_text(f"VERSION = {version!r}\n")
        rows[f"image:{version}"] = ImageRow(pattern="*", venv=str(venv))
    for version in ("2", "3"):
        program = "import library, os; print(library.VERSION, os.environ['VIRTUAL_ENV'])"
        ran = pods.run(command=["python", "-c", program], image=f"image:{version}", images=rows)
        assert ran.lines == [f"{version} {tmp_path}/venv{version}"]


def test_an_images_root_directory_is_the_containers_root(pods: Pods, tmp_path: pathlib.Path) -> None:
    root = tmp_path / "root"
    for folder in ("bin", "etc"):
        (root / folder).mkdir(parents=True)
    (root / "etc" / "only-here").write_text("in the image\n")
    for path in ("usr", "lib", "lib64"):
        if os.path.islink(f"/{path}"):
            (root / path).symlink_to(os.readlink(f"/{path}"))
    spec = {"volumes": [{"name": "usr", "hostPath": {"path": "/usr"}}, {"name": "new", "emptyDir": {}}]}
    ran = pods.run(
        command=[
            "/usr/bin/sh",
            "-c",
            "/usr/bin/cat /etc/only-here; echo x > /new/place/x; /usr/bin/ls /; /usr/bin/ls /new",
        ],
        images={IMAGE: ImageRow(pattern="*", root=str(root))},
        spec=spec,
        volumeMounts=[volume("usr", "/usr", readOnly=True), volume("new", "/new/place")],
    )
    assert ran.lines[0] == "in the image", ran.failed
    assert {"bin", "dev", "etc", "new", "proc", "sys", "usr"} <= set(ran.lines)
    assert "home" not in ran.lines
    assert ran.lines[-1] == "place"
    assert not (root / "new").exists()


def test_volumes_are_where_they_are_mounted_and_nothing_is_created_on_this_machine(
    pods: Pods, tmp_path: pathlib.Path
) -> None:
    pods.keep(pods.secrets, "db", password="hunter2", user="me")
    pods.keep(pods.configmaps, "conf", **{"app.ini": "[app]"})
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "input").write_text("data\n")
    before = {folder: set(os.listdir(folder)) for folder in ("/", "/etc", "/dev", "/usr", "/opt")}
    ran = pods.run(
        """
        cat /data/input; cp /data/input /data/output
        cat /etc/our-secret/pw /etc/our-conf/app.ini; echo
        stat -c %a /etc/our-secret/pw
        cat /all/of/it/user /all/of/it/labels; echo
        echo x > /airflow/xcom/x && ls /airflow/xcom
        echo x > /etc/our-secret/new || echo read-only
        touch /top /opt/not-there-before/file && echo done
        """,
        spec={
            "volumes": [
                {"name": "shared", "hostPath": {"path": str(shared)}},
                {"name": "scratch", "emptyDir": {}},
                {"name": "opt", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
                {
                    "name": "secret",
                    "secret": {"secretName": "db", "items": [{"key": "password", "path": "pw"}], "defaultMode": 0o400},
                },
                {"name": "conf", "configMap": {"name": "conf"}},
                {
                    "name": "all",
                    "projected": {
                        "sources": [
                            {"secret": {"name": "db"}},
                            {
                                "downwardAPI": {
                                    "items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]
                                }
                            },
                        ]
                    },
                },
            ]
        },
        volumeMounts=[
            volume("shared", "/data"),
            volume("scratch", "/airflow/xcom"),
            volume("opt", "/opt/not-there-before"),
            volume("secret", "/etc/our-secret"),
            volume("conf", "/etc/our-conf"),
            volume("all", "/all/of/it"),
        ],
    )
    assert isinstance(ran.outcome, Success), (ran.outcome, ran.lines)
    assert [line for line in ran.lines if "cannot create" not in line] == [
        "data",
        "***[app]",
        "400",
        'metier="gold"',
        "x",
        "read-only",
        "done",
    ]
    assert (shared / "output").read_text() == "data\n"
    assert {folder: set(os.listdir(folder)) for folder in before} == before


def test_parts_of_volumes_and_files_over_files(pods: Pods, tmp_path: pathlib.Path) -> None:
    pods.keep(pods.configmaps, "names", hosts="10.0.0.1 elsewhere\n")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "inside").write_text("part\n")
    ran = pods.run(
        "cat /etc/hosts /part/inside /etc/only.conf; ls /made; echo x > /part/inside || echo read-only",
        spec={
            "volumes": [
                {"name": "names", "configMap": {"name": "names"}},
                {"name": "host", "hostPath": {"path": str(tmp_path)}},
            ]
        },
        env=[{"name": "NAME", "value": "made-by-mount"}],
        volumeMounts=[
            volume("names", "/etc/hosts", subPath="hosts"),
            volume("names", "/etc/only.conf", subPath="hosts"),
            volume("host", "/part", subPath="a", readOnly=True),
            volume("host", "/made", subPathExpr="$(NAME)"),
        ],
    )
    lines = [line for line in ran.lines if "cannot create" not in line]
    assert lines == ["10.0.0.1 elsewhere", "part", "10.0.0.1 elsewhere", "read-only"]
    assert (tmp_path / "made-by-mount").is_dir()
    assert "elsewhere" not in pathlib.Path("/etc/hosts").read_text()


def test_a_volume_may_be_mounted_inside_another_and_over_what_is_there(pods: Pods) -> None:
    pods.keep(pods.configmaps, "inner", key="inner\n")
    ran = pods.run(
        "cat /opt/in/ner/key; ls /opt; ls /usr/share | wc -l",
        spec={
            "volumes": [
                {"name": "outer", "emptyDir": {}},
                {"name": "inner", "configMap": {"name": "inner"}},
                {"name": "over", "emptyDir": {}},
            ]
        },
        volumeMounts=[volume("inner", "/opt/in/ner"), volume("outer", "/opt"), volume("over", "/usr/share")],
    )
    assert ran.lines == ["inner", "in", "0"]


def test_a_working_directory_that_is_not_there_is_made_for_the_container_alone(pods: Pods) -> None:
    ran = pods.run("pwd; echo x > here && ls", workingDir="/srv/app/work")
    assert ran.lines == ["/srv/app/work", "here"]
    assert not os.path.exists("/srv/app")


def test_a_container_does_not_see_other_processes_of_this_machine(pods: Pods) -> None:
    ran = pods.run("ls /proc | grep -c '^[0-9]*$'")
    assert int(ran.lines[0]) < 10


def test_a_container_runs_as_the_user_that_it_names_or_is_refused(pods: Pods) -> None:
    ran = pods.run(
        "id -u; id -g; id -G; echo x > /data/x && stat -c %g /data/x",
        spec={
            "volumes": [{"name": "data", "emptyDir": {}}],
            "securityContext": {"runAsUser": 1234, "runAsGroup": 5678, "fsGroup": 4321},
        },
        volumeMounts=[volume("data", "/data")],
    )
    if os.geteuid() == 0:
        assert ran.lines == ["1234", "5678", "5678 4321", "4321"]
    else:
        assert "only root may start processes as others" in ran.failed.message


# -- refused before anything starts --------------------------------------------------------------------------------


def test_an_image_without_a_row_is_refused(pods: Pods) -> None:
    ran = pods.run("echo never", image="somewhere/else:2")
    assert ran.failed.reason is EndReason.REJECTED
    assert not ran.failed.entered
    assert "'somewhere/else:2'" in ran.failed.message
    assert "[[runtime.local.images]]" in ran.failed.message
    assert ran.lines == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"command": []}, "has no command"),
        ({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "gone", "key": "k"}}}]}, "Secret 'gone'"),
        ({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.mood"}}}]}, "'status.mood'"),
        ({"envFrom": [{"configMapRef": {"name": "../../etc"}}]}, "is no name"),
        ({"images": {IMAGE: ImageRow(pattern="*", venv="/no/such/venv")}}, "/no/such/venv is not there"),
        ({"spec": {"volumes": [{"name": "v", "hostPath": {"path": "/no/such", "type": "Directory"}}]}}, "/no/such"),
        ({"securityContext": {"runAsNonRoot": True, "runAsUser": 0}}, "runAs"),
    ],
)
def test_what_cannot_be_had_is_refused_before_anything_starts(
    pods: Pods, options: dict[str, object], says: str
) -> None:
    ran = pods.run("echo never", **options)
    assert (ran.failed.reason, ran.failed.entered, ran.failed.retry) == (EndReason.REJECTED, False, False)
    assert says in ran.failed.message
    assert ran.lines == []
