"""Logs of attempts as files: live in the attempt's directory, at rest beside each other once sealed."""
