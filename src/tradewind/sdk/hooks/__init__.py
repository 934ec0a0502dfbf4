"""Hooks of Airflow's standard provider."""
