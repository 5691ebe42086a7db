"""The suspicions of the diagnosis: small numeric tests that hardly hold by accident.

forms: shapes and dtypes.  relations: ours is the right gradient, changed as a whole.  search and what it
plants: one mistake in PyTorch's computation gives the reader's gradients to the last digits.  patterns:
what the difference looks like.  places: where it is.  probes: other upstream gradients, sent to both.
"""
