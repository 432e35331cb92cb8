"""The client's side: endpoints, thin, and how failures are told."""
