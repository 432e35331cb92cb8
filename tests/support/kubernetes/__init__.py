"""A real Kubernetes API server for tests: nothing that Kubernetes does is imitated.

`apiserver.py` runs etcd and kube-apiserver, and `faults.py` is a bad network in front of them. The
programs come from `binaries.py`, which builds them from their Go modules unless
`KUBEBUILDER_ASSETS` names a folder that has them. `node/` adds what runs pods.
"""
