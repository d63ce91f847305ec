"""The way from a payload to a request that the service has accepted, under a name of the caller's choosing."""
