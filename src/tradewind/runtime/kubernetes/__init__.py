"""Pods of a cluster: how it is reached, seen and changed.

`access` knows where a cluster is and who we are there, `client` speaks to it in bytes, `decode` makes views of them,
`reflector` keeps what is seen of pods complete, `creating` and `deleting` change it. The official client gives
configuration and authentication; its models and its `Watch` are bypassed, because they cost some twenty times as much
(`bench/pod_decode.py`).
"""
