"""Chapter 02, activations and losses: its explorables and its exercises."""
