"""Classes never seen: described, generated as features, recognised (SigZSLNet)."""
