"""The suspicions of the diagnosis: small numeric tests that hardly hold by accident.

relations: ours is the right gradient, changed as a whole.  patterns: what the difference looks like.
places: where it is.  probes: other upstream gradients, sent to both.  evidence, search: one mistake,
planted into PyTorch's recorded computation (recording, fine), gives the reader's gradients to the last
digits; what is planted: paths, local (derivatives), softmaxes, scatter (sums), operands (of products).
"""
