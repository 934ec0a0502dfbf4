"""`tradewind kubernetes`: what a cluster has to give to Tradewind, as objects for kubectl."""

from __future__ import annotations

from typing import Annotated

import typer

from tradewind.cli import exits, groups, options

app = groups.new("The cluster: the Role that Tradewind needs there.")


@app.callback()
def callback() -> None:
    """Keep `role` a command of its own name while it is the only one."""


@app.command(
    epilog=options.examples(
        "tradewind kubernetes role --namespace batch | kubectl apply -f -",
        "tradewind kubernetes role -n team-a -n team-b --account-namespace tradewind --feature events",
    )
)
def role(
    namespace: Annotated[
        list[str] | None,
        typer.Option("--namespace", "-n", help="Of tasks; repeatable (else runtime.kubernetes.namespace, or default)."),
    ] = None,
    feature: Annotated[
        list[str] | None,
        typer.Option("--feature", help="Beside pods and their logs; repeatable (else what is usual). none: nothing."),
    ] = None,
    account: Annotated[str, typer.Option("--account", help="The service account's name.")] = "tradewind",
    account_namespace: Annotated[
        str | None,
        typer.Option("--account-namespace", help="Where the control plane runs (else the first --namespace)."),
    ] = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: Annotated[str, typer.Option("--output", "-o", help="yaml or json.")] = "yaml",
) -> None:
    """Print the least Role with which a control plane works, its RoleBinding and ServiceAccount.

    It can read no Secret: pods refer to them, and the kubelet hands them over.
    """
    import json

    import yaml

    from tradewind.cli import client
    from tradewind.wiring import cluster_view

    with exits.reported():
        options.choose("--output", output, ("yaml", "json"))
        told = client.settings_of(home, settings).runtime.kubernetes
        namespaces = list(dict.fromkeys(namespace or [told.namespace or "default"]))
        chosen = ["pods"] if feature == ["none"] else list(feature or ())
        documents = cluster_view.role(namespaces, chosen, account=account, home=account_namespace or namespaces[0])
        if output == "json":
            print(json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}, indent=2))
        else:
            print(yaml.safe_dump_all(documents, sort_keys=False), end="")
