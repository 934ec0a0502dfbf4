"""Bundles: folders of DAG files, watched; files become versions of DAGs. DAG code never runs in this process."""
