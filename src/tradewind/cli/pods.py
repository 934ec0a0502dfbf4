"""`tradewind pods`: the pods in clusters that Tradewind made, and taking away those that nobody wants any more.

Invariant: `cleanup` deletes only pods of this home whose attempt is over with its log at rest, or unknown; without
`--yes` it deletes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewind.cli import exits, groups, options, tables
from tradewind.model.ids import AttemptId
from tradewind.model.rows import Attempt
from tradewind.model.states import AttemptPhase
from tradewind.ports import errors
from tradewind.ports import store as store_port

if TYPE_CHECKING:
    from tradewind import settings as settings_tree
    from tradewind.wiring import cluster_view

app = groups.new("Pods in the cluster: list those that Tradewind made, look at one, clean up.")

NamespacesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--namespace", "-n", help="Only of this one; repeatable (else that of the settings, and of what runs)."
    ),
]
AllOption = Annotated[bool, typer.Option("--all-namespaces", "-A", help="Of every one; a right in the whole cluster.")]
ContextOption = Annotated[str | None, typer.Option("--context", help="Of the kubeconfig (else as the settings say).")]


@app.command(
    "list",
    epilog=options.examples("tradewind pods list", "tradewind pods list -A -o json", "tradewind pods list --orphans"),
)
def list_pods(
    namespace: NamespacesOption = None,
    all_namespaces: AllOption = False,
    orphans: Annotated[bool, typer.Option("--orphans", help="Only those of this home without a live attempt.")] = False,
    context: ContextOption = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Pods that Tradewind made: whose they are, how far they came, what they wait for."""

    async def read() -> list[dict[str, Any]]:
        async with _opened(home, settings, context) as seen:
            found = await seen.pods(namespace, all_namespaces=all_namespaces)
            rows = [_row(view, one, await seen.standing(one), datetime.now().astimezone()) for view, one in found]
            rows = [row for row in rows if not orphans or row["attempt"] in _ORPHANED]
            if output is options.Output.TABLE and not any(row["cluster"] for row in rows):
                rows = [{key: value for key, value in row.items() if key != "cluster"} for row in rows]
            return rows

    with exits.reported():
        tables.show(asyncio.run(read()), output=output, empty="no pods")


@app.command(epilog=options.examples("tradewind pods show load-3kq9fh2a"))
def show(
    name: Annotated[str, typer.Argument(metavar="POD", help="The pod's name.")],
    namespace: NamespacesOption = None,
    context: ContextOption = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """One pod: its verdict or what it waits for, containers, conditions, events, and its specification, redacted."""

    async def read() -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
        async with _opened(home, settings, context) as seen:
            view, one = await seen.get(namespace, name)
            row = _row(view, one, await seen.standing(one), datetime.now().astimezone())
            return row, one.redacted(), _containers(one), await _events(view, one)

    with exits.reported():
        row, spec, containers, events = asyncio.run(read())
        if output is not options.Output.TABLE:
            tables.show_object({**row, "containers": containers, "events": events, "manifest": spec}, output=output)
            return
        tables.show_object(row, output=output)
        for rows in (containers, events):
            if rows:
                print()
                tables.show(rows, output=output, empty="")
        print()
        tables.show_value(spec, output=options.Output.YAML)


@app.command(
    epilog=options.examples("tradewind pods cleanup", "tradewind pods cleanup --older-than 1h --yes"),
)
def cleanup(
    namespace: NamespacesOption = None,
    all_namespaces: AllOption = False,
    older_than: Annotated[str, typer.Option("--older-than", help="Made so long ago: 1h, 30d, 4w.")] = "1h",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete them; else they are only listed.")] = False,
    context: ContextOption = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Delete pods of this home without a live attempt, also those that a task wanted to be kept.

    What a server that runs leaves behind it deletes by itself; this is for kept pods, and for homes without a server.
    """

    async def act() -> list[dict[str, Any]]:
        now = datetime.now().astimezone()
        made_before = options.read_before(older_than, now, "--older-than")
        async with _opened(home, settings, context) as seen:
            if not seen.home_id:
                return []
            rows: list[dict[str, Any]] = []
            for view, one in await seen.pods(namespace, all_namespaces=all_namespaces):
                row = _row(view, one, await seen.standing(one), now)
                if row["attempt"] not in _ORPHANED or one.age(now) < now - made_before:
                    continue
                rows.append({**row, "result": await _delete(view, one) if yes else "would be deleted"})
            return rows

    with exits.reported():
        rows = asyncio.run(act())
        tables.show(rows, output=output, empty="nothing to clean up")
        if rows and not yes:
            print(f"{len(rows)} pods would be deleted; add --yes to delete them", file=sys.stderr)
    if any(row["result"] not in ("deleted", "would be deleted") for row in rows):
        raise typer.Exit(exits.RUN_FAILED)


async def _delete(view: cluster_view.ClusterView, one: cluster_view.Kept) -> str:
    try:
        await view.delete(one)
    except errors.TradewindError as error:
        return f"not deleted: {error}"
    return "deleted"


# -- a pod and its attempt -----------------------------------------------------------------------------------------

_ORPHANED = ("ended", "unknown")


class _Seen:
    """The clusters, and the home's store where there is one. That of the settings is the first."""

    def __init__(self, views: Sequence[cluster_view.ClusterView], store: store_port.Store | None) -> None:
        self._views = views
        self._store = store
        self.home_id = views[0].home_id

    async def pods(
        self, namespaces: Sequence[str] | None, *, all_namespaces: bool
    ) -> list[tuple[cluster_view.ClusterView, cluster_view.Kept]]:
        """In the namespaces that are meant. A cluster that does not answer is told beside the others' pods."""
        found: list[tuple[cluster_view.ClusterView, cluster_view.Kept]] = []
        away: list[errors.TradewindError] = []
        for view in self._views:
            try:
                wanted = [None] if all_namespaces else namespaces or await view.namespaces()
                found += [(view, one) for one in await view.pods(wanted)]
            except errors.TradewindError as error:
                away.append(error)
                if len(self._views) > 1:
                    where = f"cluster {view.name}" if view.name else "the cluster of the settings"
                    print(f"left out: {where}: {error}", file=sys.stderr)
        if len(away) == len(self._views):
            raise away[0]
        return found

    async def get(
        self, namespaces: Sequence[str] | None, name: str
    ) -> tuple[cluster_view.ClusterView, cluster_view.Kept]:
        """The pod of that name in the first cluster that has it. Raises `errors.TradewindError`."""
        failed: errors.TradewindError | None = None
        for view in self._views:
            try:
                return view, await view.get(namespaces or await view.namespaces(), name)
            except errors.TradewindError as error:
                failed = failed or error
        raise failed or errors.NotFound("no cluster is known", object=f"pod {name}", code="no-such-pod")

    async def standing(self, one: cluster_view.Kept) -> str:
        """What its attempt is: `live`, `ended`, `unknown` to this home, or of `another home`."""
        if one.view.identity is None or not self.home_id or one.home != self.home_id:
            return "another home's"
        attempt = await self._find(AttemptId(one.view.identity.attempt_id))
        if attempt is None:
            return "unknown"
        # Until its log is at rest, a server may still need the pod.
        return (
            "ended"
            if attempt.phase is AttemptPhase.ENDED and not self._views[0].follows(attempt.attempt_id)
            else "live"
        )

    async def _find(self, attempt_id: AttemptId) -> Attempt | None:
        if self._store is None:
            return None
        with contextlib.suppress(errors.NotFound):
            return await self._store.views.get_attempt(attempt_id)
        return None


@contextlib.asynccontextmanager
async def _opened(home: Path | None, settings: Path | None, context: str | None) -> AsyncIterator[_Seen]:
    from tradewind.wiring import cluster_view, homes, storage

    place = homes.Home((home or homes.default_home()).expanduser().resolve())
    tree = _settings(place.path, settings, context)
    async with contextlib.AsyncExitStack() as stack:
        views = await stack.enter_async_context(cluster_view.opened(place, tree, only_settings=context is not None))
        store = None
        if views[0].home_id:
            store = await stack.enter_async_context(storage.open_store(place, tree))
        yield _Seen(views, store)


def _settings(place: Path, settings: Path | None, context: str | None) -> settings_tree.Settings:
    from tradewind import settings as settings_tree

    flags = options.cluster_flags("kubernetes", context, None)
    return settings_tree.load(settings or settings_tree.find(place), flags=flags, home=place)


def _row(where: cluster_view.ClusterView, one: cluster_view.Kept, standing: str, now: datetime) -> dict[str, Any]:
    view = one.view
    whose = view.identity
    task = "" if whose is None else whose.task_id + (f"[{whose.map_index}]" if whose.map_index >= 0 else "")
    return {
        "pod": view.name,
        "namespace": view.namespace,
        "cluster": where.name,
        "dag_id": whose.dag_id if whose else None,
        "run_id": whose.run_id if whose else None,
        "task": task,
        "try": whose.try_number if whose else None,
        "attempt": standing,
        "phase": "Terminating" if view.deleted and not one.is_over else view.phase,
        "node": view.node,
        "age": one.age(now),
        "reason": one.told,
    }


def _containers(one: cluster_view.Kept) -> list[dict[str, Any]]:
    return [
        {
            "container": container.name,
            "role": container.role,
            "state": container.state,
            "exit_code": container.exit_code,
            "restarts": container.restarts,
            "image": container.image,
            "started": container.started_at,
            "reason": " ".join(part for part in (container.reason, container.message) if part),
        }
        for container in one.view.containers
    ]


async def _events(view: cluster_view.ClusterView, one: cluster_view.Kept) -> list[dict[str, Any]]:
    """Where the account may not read them, a row says so: the rest is worth seeing."""
    try:
        found = await view.events(one)
    except errors.Rejected as error:
        return [{"at": None, "event": "", "times": None, "message": str(error)}]
    return [{"at": row.at, "event": row.reason, "times": row.times, "message": row.message} for row in found]
