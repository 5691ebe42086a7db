"""Chapter 04, normalization: its explorables and its exercises."""
