// What holds the namespaces of a pod on the node that tests run (node/), from binaries.py.
module auto-ai-router/tests/pause

go 1.24.0
