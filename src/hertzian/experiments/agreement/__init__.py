"""Whether two classifiers can tell our windows from a peer's: the agreement test with GNU Radio."""
