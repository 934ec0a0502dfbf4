"""The podlet: a process for each home that starts containers as processes and forks Python attempts; outlives the control plane."""
