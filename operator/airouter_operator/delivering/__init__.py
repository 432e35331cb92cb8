"""From a published snapshot to the pods that run it, and back: polls and acknowledgements."""
