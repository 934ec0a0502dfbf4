"""The embedded runtime: the control plane's side of the podlet."""
