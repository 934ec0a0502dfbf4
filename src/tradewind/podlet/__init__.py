"""The podlet, one process for each home: starts containers and forks Python attempts; outlives the control plane."""
