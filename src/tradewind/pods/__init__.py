"""Pods as plain API JSON: built, named, checked, redacted, and what their end means. Pure: no clock, no cluster.

`manifest.build` makes what is sent; `validity.check` says what an API server would refuse; `local.check` what the
embedded runtime cannot honour; `redaction.redact` what people may see; `verdict.judge` how a pod ended, in a sentence.
"""
