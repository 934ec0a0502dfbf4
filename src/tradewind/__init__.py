"""Tradewind runs Airflow-style DAGs, one pod per task.

This module owns the version only. DAG authors import from `tradewind.sdk`; everything else is reached by its own
module, so that `import tradewind` stays quick and takes in no database, web or Kubernetes library (a test in
`tests/architecture` holds that).
"""

__version__ = "0.1.0"
