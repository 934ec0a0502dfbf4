"""Acts on objects of the cluster: make, delete, patch. Each is done twice as if once.

What is made has the attempt's id in its annotations, so that a create whose answer was lost is found again; what is
deleted is known by its UID before, so that a namesake that came since is never touched.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from tradewind.ports import errors
from tradewind.runtime.kubernetes import act, job_view, model_names, object_text
from tradewind.runtime.kubernetes.discovery import Discovery

Json = dict[str, Any]
_PATCH = "application/strategic-merge-patch+json"
_JSON_PATCH = "application/json-patch+json"


class _ObjectAct:
    """What they share: nothing to undo, nothing to tidy."""

    def __init__(self, record: act.ActRecord, around: act.Around) -> None:
        self.record = record
        self._around = around

    async def undo(self) -> None:
        """What is done stays done."""

    async def tidy(self) -> None:
        """Nothing is left over."""

    async def _ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> bytes:
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        return await self._around.client.request(method, path, body=data, content_type=kind)

    async def _mark(self, **changes: Any) -> None:
        self.record = msgspec.structs.replace(self.record, **changes)
        await self._around.keep(self.record)


class PatchJob(_ObjectAct):
    """Changes fields of a Job."""

    async def run(self) -> act.Ending:
        """As the protocol says."""
        arguments = self.record.arguments
        name, namespace, patch = str(arguments["name"]), self.record.namespace, arguments.get("patch")
        kind = _JSON_PATCH if isinstance(patch, list) else _PATCH
        answer = await self._ask("PATCH", f"/apis/batch/v1/namespaces/{namespace}/jobs/{name}", patch, kind)
        said = f"Job {name!r} is changed."
        return act.success(said, act.push("return_value", model_names.spelled(json.loads(answer))))


class DeleteJob(_ObjectAct):
    """Deletes a Job and its pods, as `delete_on_status` and `wait_for_completion` say."""

    async def run(self) -> act.Ending:
        """As the protocol says."""
        arguments = self.record.arguments
        name, wanted = str(arguments["name"]), arguments.get("delete_on_status")
        path = f"/apis/batch/v1/namespaces/{self.record.namespace}/jobs/{name}"
        try:
            view = job_view.job(await self._ask("GET", path))
            while arguments.get("wait_for_completion") and not view.is_over:
                await self._around.clock.sleep(float(arguments.get("poll_interval") or 10.0))
                view = job_view.job(await self._ask("GET", path))
        except errors.NotFound:
            return act.success(f"Job {name!r} is not there.")
        if self.record.uid and view.metadata.uid != self.record.uid:
            return act.success(f"Job {name!r} is deleted.")
        if wanted is not None and view.condition(str(wanted)) is None:
            return act.success(f"Job {name!r} stays: it is to be deleted when it is {wanted}. {view.sentence}")
        await self._mark(uid=view.metadata.uid)
        # Pods go with their Job; the API's own default for Jobs would leave them behind.
        options = {"preconditions": {"uid": view.metadata.uid}, "propagationPolicy": "Background"}
        try:
            await self._ask("DELETE", path, options)
        except (errors.NotFound, errors.Conflict):
            pass  # gone, or another's by now
        return act.success(f"Job {name!r} is deleted.")


class _ResourcesAct(_ObjectAct):
    """Objects given as YAML, one after the other; what can be done is done, and what cannot is told together."""

    def __init__(self, record: act.ActRecord, around: act.Around) -> None:
        super().__init__(record, around)
        self._discovery = Discovery(around.client)

    async def run(self) -> act.Ending:
        """As the protocol says."""
        failed: list[str] = []
        count = 0
        for number, one in enumerate(object_text.objects(self.record.arguments)):
            count += 1
            if str(number) in self.record.done:
                continue
            try:
                await self._one(number, one)
            except (errors.Rejected, errors.NotFound, errors.Conflict) as error:
                failed.append(f"{_called(one)}: {error.message}" + (f" (hint: {error.hint})" if error.hint else ""))
                continue
            await self._mark(done=(*self.record.done, str(number)), uid="")
        if not count:
            raise errors.Rejected("holds no object", object="the YAML", hint="separate objects by lines of ---")
        if failed:
            return act.failure("; ".join(failed))
        return act.success(self._said(count))

    async def _one(self, number: int, one: Json) -> None:
        raise NotImplementedError

    def _said(self, count: int) -> str:
        raise NotImplementedError

    def _namespace(self, one: Json) -> str:
        return str((one.get("metadata") or {}).get("namespace") or self.record.namespace)


class CreateResources(_ResourcesAct):
    """Makes them."""

    def _said(self, count: int) -> str:
        return f"{count} created."

    async def _one(self, number: int, one: Json) -> None:
        kind = await self._discovery.get(str(one["apiVersion"]), str(one["kind"]))
        metadata = one.setdefault("metadata", {})
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **self._marks(number)}
        path = kind.path(self._namespace(one))
        try:
            await self._ask("POST", path, one)
        except errors.Conflict as error:
            if error.code != "already-exists" or not metadata.get("name"):
                raise
            found = json.loads(await self._ask("GET", f"{path}/{metadata['name']}"))
            marks = found["metadata"].get("annotations") or {}
            if any(marks.get(name) != value for name, value in self._marks(number).items()):
                raise errors.Conflict(
                    "exists already", code="already-exists", hint="delete it before, or choose another name"
                ) from error
        self._around.note(f"created {_called(one)}")

    def _marks(self, number: int) -> dict[str, str]:
        return {job_view.ATTEMPT: self.record.attempt_id, "tradewind/object": str(number)}


class DeleteResources(_ResourcesAct):
    """Takes them away, with what depends on them."""

    def _said(self, count: int) -> str:
        return f"{count} deleted."

    async def _one(self, number: int, one: Json) -> None:
        kind = await self._discovery.get(str(one["apiVersion"]), str(one["kind"]))
        name = (one.get("metadata") or {}).get("name")
        if not name:
            raise errors.Rejected("has no metadata.name", hint="what is to be deleted is known by its name")
        path = kind.path(self._namespace(one), str(name))
        mark = f"{number}:"
        if not self.record.uid.startswith(mark):
            found = json.loads(await self._ask("GET", path))
            await self._mark(uid=mark + str(found["metadata"]["uid"]))
        options = {"preconditions": {"uid": self.record.uid.removeprefix(mark)}, "propagationPolicy": "Background"}
        try:
            await self._ask("DELETE", path, options)
        except (errors.NotFound, errors.Conflict):
            pass  # gone since we saw it, whoever did it
        self._around.note(f"deleted {_called(one)}")


def _called(one: Json) -> str:
    metadata = one.get("metadata") or {}
    return f"{one.get('kind')} {metadata.get('name') or metadata.get('generateName') or '?'}"
