"""Pods that workers hand over: a pod beside its attempt's worker, in whichever runtime pods are."""
