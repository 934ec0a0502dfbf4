"""The vault: Variables and Connections, from the environment, from files, and encrypted in the store."""
