"""From the API server to a key in the queue: what is watched, mirrored, compared, and due."""
