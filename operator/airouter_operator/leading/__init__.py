"""Which operator acts: by a Lease among replicas, by address among strangers, by TLS to pods."""
