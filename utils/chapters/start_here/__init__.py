"""Chapter 00, start here: its explorables and its exercises."""
