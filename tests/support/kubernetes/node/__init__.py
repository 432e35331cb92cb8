"""A real single-node Kubernetes on this machine: root on Debian is all it needs, no Docker.

`cluster.py` brings it up and down: etcd and the control plane (`control_plane.py`), containerd
(`runtime.py`), kubelet and kube-proxy (`workers.py`) and CoreDNS (`dns.py`), all of them daemons
(`daemons.py`) in a network namespace of their own (`network.py`), all their files in one folder.
`images.py` makes what no registry gives here. Tests hold a `Node`, a person calls
`python -m support.kubernetes.node`.
"""
