"""The scheduler service: holds the lease, drives the pure engine with events, commits, and reconciles the world."""
