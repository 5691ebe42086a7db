"""Chapter 02, activations and losses: its explorables, its exercises, its trained runs."""
