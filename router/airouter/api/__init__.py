"""The client's side: thin endpoints, and failures in the client's dialect."""
