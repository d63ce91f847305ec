"""``make demo``: the whole product on this machine, from zero instances and back."""
