"""The one tree of settings: each is documented at its field with default, unit and reason (see `field.setting`).

Everything else in the program gets plain values by constructor. A new setting is a field here and nothing more.
The module is long because it is a list: in one place, what can be set.
"""

from __future__ import annotations

import zoneinfo
from typing import Annotated, Literal

import msgspec

from tradewind.settings.field import Section, setting


def _wanted_zone(name: str) -> str:
    if name in ("utc", "system"):
        return ""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return 'the name of a time zone, such as "Europe/Rome", or "system"'
    return ""


def _wanted_span(seconds: float | None) -> str:
    # msgspec has no ranges for what may be None.
    return "" if seconds is None or 0 < seconds <= 31_536_000 else "a number, more than 0 and at most 31536000"


class ImageSettings(Section, frozen=True, kw_only=True):
    """What stands in for images whose name matches `pattern` where pods run as processes."""

    pattern: Annotated[str, setting("Names of images, with `*`, `?` and `[…]` as in fnmatch.")]
    venv: Annotated[str, setting("A virtual environment whose programs are found first.", path=True)] = ""
    root: Annotated[str, setting("A root directory that the container sees as `/`.", path=True)] = ""
    path: Annotated[str, setting("A PATH to search for commands.", path=True)] = ""
    entrypoint: Annotated[tuple[str, ...], setting("What the image would run where a task names no command.")] = ()


class FolderSettings(Section, frozen=True, kw_only=True):
    """A folder of `<name>/<key>` files."""

    directory: Annotated[
        str,
        setting(
            "The folder of `NAME/KEY` files.",
            why="Empty: a pod that asks for one is refused, since nobody said what it holds.",
            path=True,
        ),
    ] = ""


class LocalRuntimeSettings(Section, frozen=True, kw_only=True):
    """The embedded runtime: attempts as processes on this machine."""

    images: Annotated[
        tuple[ImageSettings, ...],
        setting(
            "What stands in for images; the first match counts.",
            why="Images are not pulled here. Empty: a pod is refused, with the row to write in the hint.",
        ),
    ] = ()
    secrets: FolderSettings = FolderSettings()
    configmaps: FolderSettings = FolderSettings()
    zygote_memory_mb: Annotated[
        int,
        setting(
            "What idle processes with loaded DAG files may hold together; the least recently used end beyond it.",
            unit="MiB",
            why="A loaded file shares most of its memory with the others; the bound is for files with large imports.",
            ge=0,
        ),
    ] = 256
    zygote_count: Annotated[
        int,
        setting(
            "How many DAG files stay loaded at most.",
            unit="files",
            why="A bound on processes where files are small and the memory limit would allow hundreds.",
            ge=0,
        ),
    ] = 64
    grace_seconds: Annotated[
        float,
        setting(
            "Between SIGTERM and SIGKILL of a Python attempt.",
            unit="seconds",
            why="Time for an `on_kill` to cancel remote work; longer only delays whoever waits for the stop.",
            ge=0,
            le=86_400,
        ),
    ] = 5


def _wanted_object(text: str) -> str:
    try:
        found = msgspec.json.decode(text) if text else {}
    except msgspec.DecodeError:
        found = None
    return "" if isinstance(found, dict) else "a JSON object, or empty"


class ResultSettings(Section, frozen=True, kw_only=True):
    """How a pod of a cluster hands over its value (`do_xcom_push`). Fields of the same names of the Airflow connection
    `kubernetes_default` (`xcom_sidecar_container_image` and so on) go before these.
    """

    way: Annotated[
        Literal["sidecar", "termination-message"],
        setting(
            "sidecar: a helper hands over /airflow/xcom/return.json; termination-message: the main container writes "
            "the value to /dev/termination-log. For one task, its annotation `tradewind/result-from` says it.",
            why="Airflow's file, and values of up to 4 MiB; a message has 4 KiB at most, and needs no helper.",
        ),
    ] = "sidecar"
    image: Annotated[
        str,
        setting(
            "Of the helper: any with `sh`, `cat`, `ls`, `sleep` and, better, `sha256sum`.",
            why="Airflow's default.",
        ),
    ] = "alpine:3.24.2"
    resources: Annotated[
        str,
        setting(
            'Of the helper, as JSON: `{"requests": {"cpu": "1m", "memory": "10Mi"}}`.',
            why="Empty: those requests, Airflow's, and small limits where the task's own container has limits.",
            check=_wanted_object,
        ),
    ] = ""
    security_context: Annotated[
        str,
        setting(
            'Of the helper, as JSON: `{"runAsUser": 1000}`.',
            why="Empty: as the task's own container, without privileges; so it passes where that passes, and can read "
            "its file.",
            check=_wanted_object,
        ),
    ] = ""


class PodPolicySettings(Section, frozen=True, kw_only=True):
    """What pods may hold in this site, looked at in each pod as it is sent; a task whose pod holds more fails, with the
    field. Patterns are those of `fnmatch`.
    """

    namespaces: Annotated[
        tuple[str, ...], setting("Namespaces that pods may be in.", why="Empty: any; the cluster's rights decide.")
    ] = ()
    images: Annotated[tuple[str, ...], setting("Images that containers may have.", why="Empty: any.")] = ()
    service_accounts: Annotated[
        tuple[str, ...],
        setting("Service accounts that pods may run as; `default` is that of pods that name none.", why="Empty: any."),
    ] = ()
    host_access: Annotated[
        bool,
        setting(
            "Whether pods may have the node's network, processes, directories or ports, be privileged, or add "
            "capabilities.",
            why="As in Airflow; Pod Security of the namespace is the stronger wall.",
        ),
    ] = True


class KubernetesRuntimeSettings(Section, frozen=True, kw_only=True):
    """Pods in a cluster, with `--runtime kubernetes`."""

    context: Annotated[
        str,
        setting(
            "The context of the kubeconfig; `--context` says it for one start.",
            why="Empty: its current context, as with kubectl.",
        ),
    ] = ""
    config_file: Annotated[
        str,
        setting(
            "A kubeconfig, or several with `:` between.",
            why="Empty: `KUBECONFIG`, else `~/.kube/config`, else the service account of the pod we run in.",
            path=True,
        ),
    ] = ""
    in_cluster: Annotated[
        bool,
        setting(
            "Whether the service account of the pod we run in is used, whatever kubeconfig there is.",
            why="Off: a kubeconfig that somebody named is meant.",
        ),
    ] = False
    namespace: Annotated[
        str,
        setting("Of pods that name none.", why="Empty: what the kubeconfig's context or our own pod says."),
    ] = ""
    pod_template_file: Annotated[
        str,
        setting(
            "A YAML file with a Pod that is laid under each: what a task says goes over it, by the rules by which it "
            "goes over a `pod_template_file` of its own.",
            why="Empty: none. One place for pull secrets, tolerations and labels of the site. Read at start.",
            path=True,
        ),
    ] = ""
    local_settings: Annotated[
        str,
        setting(
            "A Python file with a `pod_mutation_hook(pod)`, as Airflow's `airflow_local_settings.py`: each pod goes "
            "to it as a `V1Pod` before it is sent, in a process of its own.",
            why="Empty: none. Name, identity and `restartPolicy` of the pod are put back after it. Read at start.",
            path=True,
        ),
    ] = ""
    policy: PodPolicySettings = PodPolicySettings()
    requests_per_second: Annotated[
        float,
        setting(
            "How fast the API server is asked; under pressure (status 429) it is less, by itself.",
            unit="requests a second",
            why="A launch takes two to four requests; 100 is far beyond what a kubelet starts, and little to a server.",
            gt=0,
            le=10_000,
        ),
    ] = 100
    log_streams: Annotated[
        int,
        setting(
            "Logs that are followed live at once; others are looked at now and then, and read whole at the end.",
            unit="streams",
            why="Each is a connection that stays open at the API server and at a kubelet.",
            ge=0,
            le=1_000,
        ),
    ] = 64
    log_file_mb: Annotated[
        int,
        setting(
            "At which size nodes begin a container's log anew: `containerLogMaxSize` of their kubelets.",
            unit="MiB",
            why="A log needs an open stream by then, or lines are lost; 10 is the kubelet's own default.",
            ge=1,
            le=10_000,
        ),
    ] = 10
    result: ResultSettings = ResultSettings()


class RuntimeSettings(Section, frozen=True, kw_only=True):
    """Runtimes by kind."""

    local: LocalRuntimeSettings = LocalRuntimeSettings()
    kubernetes: KubernetesRuntimeSettings = KubernetesRuntimeSettings()


class SchedulerSettings(Section, frozen=True, kw_only=True):
    """The scheduler and its limits over all DAGs."""

    parallelism: Annotated[
        int,
        setting(
            "Attempts alive at once.",
            unit="attempts",
            why="Python tasks are processes on this machine; 32 keeps a small one responsive. Airflow's default too.",
            airflow="core.parallelism",
            ge=1,
        ),
    ] = 32
    default_pool_slots: Annotated[
        int,
        setting(
            "Slots of `default_pool` until it is given others by `tradewind pools set`.",
            unit="slots",
            why="Airflow's default; more than `parallelism`, so that only pools which somebody made hold tasks back.",
            airflow="core.default_pool_task_slot_count",
            ge=1,
        ),
    ] = 128
    infrastructure_retries: Annotated[
        int,
        setting(
            "Launches per try that are made good when the infrastructure failed and not the task.",
            unit="launches",
            why="A machine that restarts costs one; when three fail in a row, another rarely helps.",
            ge=0,
        ),
    ] = 3
    max_map_length: Annotated[
        int,
        setting(
            "Elements that one task may be mapped over.",
            unit="elements",
            why="Airflow's default: a list of a million by mistake should fail the task, not fill the database.",
            airflow="core.max_map_length",
            ge=1,
        ),
    ] = 1024
    lease_seconds: Annotated[
        float,
        setting(
            "How long a leader that went silent still holds the lease.",
            unit="seconds",
            why="Longer than any pause of a busy disk; the time until another scheduler takes over after a crash.",
            gt=0,
            le=86_400,
        ),
    ] = 15
    drain_seconds: Annotated[
        float,
        setting(
            "How long the first Ctrl-C (or SIGTERM) waits for what runs.",
            unit="seconds",
            why="What still runs then is found again by the next start, so waiting longer gains little.",
            ge=0,
            le=86_400,
        ),
    ] = 30
    poll_seconds: Annotated[
        float,
        setting(
            "How often the database's change counter is looked at.",
            unit="seconds",
            why="A net beneath wake-ups, which come at once; one cheap read.",
            gt=0,
            le=3_600,
        ),
    ] = 1
    schedule_jitter_seconds: Annotated[
        float,
        setting(
            "Window over which scheduled runs of different DAGs that fall on one moment are spread; each DAG has its "
            "place in it for good.",
            unit="seconds",
            why="Off, as in Airflow. 60 takes the peak off round hours where hundreds of DAGs begin together.",
            ge=0,
            le=86_400,
        ),
    ] = 0


class DagDefaults(Section, frozen=True, kw_only=True):
    """What DAGs and tasks have that do not say it themselves. DAG files see it in `airflow.configuration.conf` too."""

    max_active_tasks: Annotated[
        int,
        setting(
            "Task instances of a DAG that run at once, over all of its runs.",
            unit="task instances",
            why="Airflow's default.",
            airflow="core.max_active_tasks_per_dag",
            ge=1,
        ),
    ] = 16
    max_active_runs: Annotated[
        int,
        setting(
            "Runs of a DAG that are active at once.",
            unit="runs",
            why="Airflow's default.",
            airflow="core.max_active_runs_per_dag",
            ge=1,
        ),
    ] = 16
    max_consecutive_failed_dag_runs: Annotated[
        int,
        setting(
            "A DAG is paused when this many runs in a row failed.",
            unit="runs",
            why="0: never, as in Airflow: pausing is a decision of whoever owns the DAG.",
            airflow="core.max_consecutive_failed_dag_runs_per_dag",
            ge=0,
        ),
    ] = 0
    catchup: Annotated[
        bool | None,
        setting(
            "Whether missed runs are made up for.",
            why="Not set: as the Airflow that the file means does, 2.x yes, 3.x no.",
            airflow="scheduler.catchup_by_default",
        ),
    ] = None
    paused: Annotated[
        bool,
        setting(
            "Whether a DAG that is seen for the first time is paused.",
            why="Who puts a file into the folder wants it to run. Airflow's default is true.",
            airflow="core.dags_are_paused_at_creation",
        ),
    ] = False
    timezone: Annotated[
        str,
        setting(
            "Zone of dates without one, and of schedules of DAGs with such a date. `system` is that of this machine.",
            why="Airflow's default.",
            airflow="core.default_timezone",
            check=_wanted_zone,
        ),
    ] = "utc"
    retries: Annotated[
        int,
        setting(
            "Tries after the first one.",
            unit="tries",
            why="Airflow's default: not every task may be done twice.",
            airflow="core.default_task_retries",
            ge=0,
        ),
    ] = 0
    retry_delay_seconds: Annotated[
        float,
        setting(
            "Between a failed try and the next.",
            unit="seconds",
            why="Airflow's default.",
            airflow="core.default_task_retry_delay",
            ge=0,
            le=31_536_000,
        ),
    ] = 300
    execution_timeout_seconds: Annotated[
        float | None,
        setting(
            "A try may take this long.",
            unit="seconds",
            why="Not set: no limit, as in Airflow; how long is too long only the task knows.",
            airflow="core.default_task_execution_timeout",
            check=_wanted_span,
        ),
    ] = None
    weight_rule: Annotated[
        Literal["downstream", "upstream", "absolute"],
        setting(
            "How a task's priority weight is made of its own and those of its neighbours.",
            why="Airflow's default.",
            airflow="core.default_task_weight_rule",
        ),
    ] = "downstream"
    owner: Annotated[
        str, setting("The owner of a task.", why="Airflow's default.", airflow="operators.default_owner")
    ] = "airflow"


class FileMeaningSettings(Section, frozen=True, kw_only=True):
    """Which Airflow some of the files mean."""

    pattern: Annotated[
        str,
        setting(
            "Paths below the folder of DAG files, with `*`, `?` and `[…]` as in fnmatch: `legacy/*` is all below it."
        ),
    ]
    airflow: Annotated[Literal["2", "3"], setting("Which Airflow they mean.")]


class DagsSettings(Section, frozen=True, kw_only=True):
    """DAG files."""

    folder: Annotated[
        str,
        setting(
            "Where DAG files lie.",
            why="Empty: `dags` in the home, which is made.",
            airflow="core.dags_folder",
            path=True,
        ),
    ] = ""
    airflow: Annotated[
        Literal["", "2", "3"],
        setting(
            "Which Airflow the files mean: defaults of catchup and schedules differ between 2.x and 3.x.",
            why="Empty: each file tells by what it imports. A comment in it, `# tradewind: airflow=2`, goes first.",
        ),
    ] = ""
    airflow_of: Annotated[
        tuple[FileMeaningSettings, ...],
        setting(
            "Which Airflow some files mean; the first match counts, and goes before `airflow`.",
            why="A folder that is being moved from 2 to 3 holds both.",
        ),
    ] = ()
    parse_timeout_seconds: Annotated[
        float,
        setting(
            "Loading one file may take this long.",
            unit="seconds",
            why="Airflow's default; a file that needs longer waits for something at its top level.",
            airflow="core.dagbag_import_timeout",
            gt=0,
            le=86_400,
        ),
    ] = 30
    ignore_syntax: Annotated[
        Literal["glob", "regexp"],
        setting(
            "How `.airflowignore` files are written.",
            why="The default of Airflow 3; that of Airflow 2 is regexp.",
            airflow="core.dag_ignore_file_syntax",
        ),
    ] = "glob"
    tree_limit_mb: Annotated[
        int,
        setting(
            "A bundle's tree may be this large.",
            unit="MiB",
            why="Every version keeps what changed of it; data beside DAG files belongs elsewhere.",
            ge=1,
        ),
    ] = 256
    defaults: DagDefaults = DagDefaults()


class DatabaseSettings(Section, frozen=True, kw_only=True):
    """The database."""

    url: Annotated[
        str,
        setting(
            "Where state is kept: `postgresql://USER:PASSWORD@HOST/NAME` or `sqlite:////PATH`.",
            why="Empty: SQLite in the home, which needs nothing to run and carries one machine's load.",
            secret=True,
        ),
    ] = ""
    busy_seconds: Annotated[
        float,
        setting(
            "How long another process may hold the SQLite file before it is named and the command gives up.",
            unit="seconds",
            why="A write takes milliseconds; ten seconds mean that somebody has it open in a shell.",
            ge=0,
            le=3_600,
        ),
    ] = 10


class LogSettings(Section, frozen=True, kw_only=True):
    """Task logs."""

    quota_mb: Annotated[
        int,
        setting(
            "Output kept per attempt; beyond it a mark says that the rest was dropped.",
            unit="MiB",
            why="A task that prints in a loop should not fill the disk over a night.",
            ge=1,
        ),
    ] = 1024


class RetentionSettings(Section, frozen=True, kw_only=True):
    """What goes by itself, in slices, while a server runs. `tradewind db clean` takes more away when asked."""

    history_days: Annotated[
        float,
        setting(
            "Finished runs go so long after their end, with task instances, attempts, XComs, logs; facts as old too.",
            unit="days",
            why="0 keeps everything, as Airflow does: history is only given up when somebody says so.",
            ge=0,
            le=36_500,
        ),
    ] = 0
    keep_runs: Annotated[
        int,
        setting(
            "Of each DAG the newest runs that stay however old they are.",
            unit="runs",
            why="A DAG that runs once a month keeps what `depends_on_past` looks at, and something to look back on.",
            ge=0,
        ),
    ] = 10
    logs_days: Annotated[
        float,
        setting(
            "Logs go so long after the end of their run; the run itself stays.",
            unit="days",
            why="0 keeps them as long as their run.",
            ge=0,
            le=36_500,
        ),
    ] = 0
    disk_budget_gb: Annotated[
        float,
        setting(
            "Logs at rest may take so much; beyond it those of the oldest finished runs go.",
            unit="GiB",
            why="0 sets no bound.",
            ge=0,
        ),
    ] = 0
    min_free_mb: Annotated[
        int,
        setting(
            "With less room on the disk of the home nothing new is launched, and old logs go until there is more.",
            unit="MiB",
            why="A task that waits is better than one that fails for want of room; logs of the last day always stay.",
            ge=0,
        ),
    ] = 100


class XComSettings(Section, frozen=True, kw_only=True):
    """XCom values."""

    max_mb: Annotated[
        float,
        setting(
            "One value as JSON may be this large.",
            unit="MiB",
            why="A value passes through the database; larger ones belong in files or an object store.",
            gt=0,
            le=1_024,
        ),
    ] = 48


class SecretsSettings(Section, frozen=True, kw_only=True):
    """Where Variables and Connections are looked for before the encrypted rows of the database."""

    backends: Annotated[
        tuple[Literal["environment", "files", "directory"], ...],
        setting(
            "Back ends in the order in which they are asked; the first answer counts, the encrypted rows come last.",
            why="What a person set for this process wins over files, and those over what is kept, as in Airflow.",
        ),
    ] = ("environment", "files", "directory")
    files: Annotated[
        str,
        setting(
            "Folder of `variables` and `connections`, each as `.json`, `.yaml`, `.yml` or `.env`.",
            why="Empty: the home.",
            path=True,
        ),
    ] = ""
    directory: Annotated[
        str,
        setting(
            "Folder with one file per key, as Kubernetes mounts Secrets: `variables/KEY` and `connections/ID`.",
            why="Empty: none is looked at.",
            path=True,
        ),
    ] = ""


class MailSettings(Section, frozen=True, kw_only=True):
    """The server through which mail goes: about failed tries (`email` of a task), and what tasks send. A Connection of
    the name `connection` goes before these settings; one without a host gives user and password to them.
    """

    host: Annotated[
        str,
        setting(
            "Name or address of the SMTP server.",
            why="Empty: none, and no mail is sent unless there is the Connection. Airflow's default is this machine, "
            "where rarely anybody listens.",
            airflow="smtp.smtp_host",
        ),
    ] = ""
    port: Annotated[
        int,
        setting(
            "Its port: often 25, 587 (STARTTLS) or 465 (`ssl`).",
            why="Airflow's default.",
            airflow="smtp.smtp_port",
            ge=1,
            le=65_535,
        ),
    ] = 25
    starttls: Annotated[
        bool,
        setting(
            "Whether the connection goes over to TLS before anything is said; a server that cannot gets no mail.",
            why="Airflow's default; passwords and logs should not travel in plain.",
            airflow="smtp.smtp_starttls",
        ),
    ] = True
    ssl: Annotated[
        bool,
        setting(
            "Whether TLS is spoken from the first byte, as on port 465; `starttls` means nothing then.",
            why="Airflow's default.",
            airflow="smtp.smtp_ssl",
        ),
    ] = False
    ssl_context: Annotated[
        Literal["default", "none"],
        setting(
            "`none`: the server's certificate is not checked.",
            why="Airflow's default; an unchecked certificate is anybody's.",
            airflow="email.ssl_context",
        ),
    ] = "default"
    ca_file: Annotated[
        str,
        setting(
            "Certificates that the server's is checked against, as PEM.", why="Empty: those of this machine.", path=True
        ),
    ] = ""
    user: Annotated[str, setting("Who logs in.", why="Empty: nobody, as in Airflow.", airflow="smtp.smtp_user")] = ""
    password: Annotated[
        str,
        setting(
            "The user's password. Better in `TRADEWIND_MAIL__PASSWORD`, `password_file`, or the Connection, which is "
            "kept encrypted.",
            why="Empty: none.",
            airflow="smtp.smtp_password",
            secret=True,
        ),
    ] = ""
    password_file: Annotated[
        str,
        setting(
            "A file with the password, as Kubernetes mounts a Secret; read for each mail, where `password` is empty.",
            why="Empty: none.",
            path=True,
        ),
    ] = ""
    from_email: Annotated[
        str,
        setting(
            "Who mail is from: `ops@example.com` or `Tradewind <ops@example.com>`.",
            why="Empty: the user, where that is an address, else `tradewind@` and this machine's name.",
            airflow="smtp.smtp_mail_from",
        ),
    ] = ""
    timeout_seconds: Annotated[
        float,
        setting(
            "How long one answer of the server may take.",
            unit="seconds",
            why="Airflow's default.",
            airflow="smtp.smtp_timeout",
            gt=0,
            le=600,
        ),
    ] = 30
    give_up_hours: Annotated[
        float,
        setting(
            "A mail about a failure that no server took for so long is not tried again.",
            unit="hours",
            why="A night of a mail server is bridged; older news is found with `tradewind runs list`.",
            ge=0,
            le=8_760,
        ),
    ] = 24
    connection: Annotated[
        str,
        setting(
            "The Connection that is looked for; also what `send_email` and `EmailOperator` use that name none.",
            why="Airflow's default.",
            airflow="email.email_conn_id",
        ),
    ] = "smtp_default"


class ServerSettings(Section, frozen=True, kw_only=True):
    """What `standalone` listens on, and how it writes what it tells."""

    log_format: Annotated[
        Literal["text", "json"],
        setting(
            "How the server writes its lines on stderr.",
            why="Text suits people and the journal; `json`, an object for each line, suits programs that collect them.",
        ),
    ] = "text"
    health_port: Annotated[
        int,
        setting(
            "Port of the health address, on loopback only.",
            why="0 takes a free one, told on start and in `standalone.json` of the home: two homes never clash.",
            ge=0,
            le=65_535,
        ),
    ] = 0


class Settings(Section, frozen=True, kw_only=True):
    """All settings."""

    dags: DagsSettings = DagsSettings()
    database: DatabaseSettings = DatabaseSettings()
    scheduler: SchedulerSettings = SchedulerSettings()
    runtime: RuntimeSettings = RuntimeSettings()
    logs: LogSettings = LogSettings()
    retention: RetentionSettings = RetentionSettings()
    xcom: XComSettings = XComSettings()
    secrets: SecretsSettings = SecretsSettings()
    mail: MailSettings = MailSettings()
    server: ServerSettings = ServerSettings()
